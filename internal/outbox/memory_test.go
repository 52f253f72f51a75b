package outbox_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/internal/outbox"
)

func item(id, url string) outbox.Item {
	return outbox.Item{ID: id, Key: "k", URL: url, Body: []byte("body")}
}

func pending(box outbox.Outbox) string {
	var ids []string
	for _, it := range box.Pending() {
		ids = append(ids, it.ID)
	}
	return strings.Join(ids, " ")
}

func TestPendingIsWhatIsNotDoneInOrder(t *testing.T) {
	box := &outbox.Memory{}
	for _, id := range []string{"1", "2", "3", "4"} {
		if err := box.Append(item(id, "http://a/")); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"2", "2", "unheard of"} {
		if err := box.Done(id); err != nil {
			t.Fatal(err)
		}
	}
	if err := box.Append(item("3", "http://a/")); !errors.Is(err, outbox.ErrDuplicate) {
		t.Errorf("the same again: %v", err)
	}
	if err := box.Append(item("2", "http://a/")); err != nil {
		t.Errorf("again after Done: %v", err)
	}
	if got := pending(box); got != "1 3 4 2" {
		t.Errorf("pending %q", got)
	}
}

func TestTheBoundsHoldAndOneHostCannotTakeAll(t *testing.T) {
	for name, box := range map[string]*outbox.Memory{
		"items": {MaxItems: 40},
		"bytes": {MaxBytes: 40 * (512 + len("h0 000") + len("k") + len("http://h0/") + len("body"))},
	} {
		t.Run(name, func(t *testing.T) {
			box.Metrics = &metric.Set{}
			taken := map[string]int{}
			for i := range 100 {
				for h := range 6 {
					host := fmt.Sprintf("h%d", h)
					err := box.Append(item(fmt.Sprintf("%s %03d", host, i), "http://"+host+"/"))
					if err == nil {
						taken[host]++
					} else if !errors.Is(err, outbox.ErrFull) {
						t.Fatal(err)
					}
				}
				if i == 9 && box.Append(item("h9 000", "http://h9/")) == nil {
					t.Error("more was taken than the whole may hold")
				}
			}
			total := 0
			for host, n := range taken {
				total += n
				if n > 10 {
					t.Errorf("%s took %d of 40", host, n)
				}
			}
			if total != 40 {
				t.Errorf("%d taken, want 40", total)
			}
			for i := range 100 {
				_ = box.Done(fmt.Sprintf("h0 %03d", i))
			}
			if err := box.Append(item("new", "http://h0/")); err != nil {
				t.Errorf("what is done makes room: %v", err)
			}
			if box.Metrics.Counter("outbox_refused_total", "reason", "full", "").Value() == 0 {
				t.Error("a refusal was not counted")
			}
		})
	}
	one := &outbox.Memory{Metrics: &metric.Set{}, MaxItems: 8}
	for i := range 3 {
		err := one.Append(item(fmt.Sprint(i), "http://dead/"))
		if (err != nil) != (i == 2) {
			t.Errorf("item %d of one host: %v", i, err)
		}
		if err != nil && !strings.Contains(err.Error(), "dead") {
			t.Errorf("the error does not name the host: %v", err)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	box := &outbox.Memory{}
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 500 {
				id := fmt.Sprintf("%d/%d", g, i)
				if err := box.Append(item(id, "http://a/")); err != nil {
					t.Error(err)
				}
				if i%2 == 0 {
					_ = box.Done(id)
				}
			}
		})
	}
	all.Wait()
	if n := len(box.Pending()); n != 8*250 {
		t.Errorf("%d pending", n)
	}
}

func BenchmarkAppendDone(b *testing.B) {
	box := &outbox.Memory{}
	it := item("id", "http://app.example:8080/callbacks?call=1")
	b.ReportAllocs()
	for b.Loop() {
		if err := box.Append(it); err != nil {
			b.Fatal(err)
		}
		_ = box.Done(it.ID)
	}
}
