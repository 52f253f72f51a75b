package outbox_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/journal"
	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/internal/outbox"
)

func TestWhatWasGivenUpCanBeReadAndRemoved(t *testing.T) {
	set := &metric.Set{}
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	j, shelf := &journal.Memory{}, &journal.MemoryShelf{}
	box := open(t, outbox.Config{Journal: j, Shelf: shelf, Memory: 1, Metrics: set, Now: func() time.Time { return at }})
	for i := range 5 {
		e := add(t, box, item(fmt.Sprint(i), "http://a/"))
		if err := box.Bury(t.Context(), e, outbox.Obituary{Reason: "refused", Error: "the answer was 400", Attempts: 3 + i}); err != nil {
			t.Fatal(err)
		}
	}
	if got := pending(box); got != "" || pending(open(t, outbox.Config{Journal: j})) != "" {
		t.Errorf("still pending: %q", got)
	}
	if n := gauge(t, set, "dead_letters"); n != 5 || set.Counter("dead_letters_total", "reason", "refused", "").Value() != 5 {
		t.Errorf("%v dead letters counted", n)
	}
	page, err := box.Letters(1, 3)
	if err != nil || len(page) != 3 || page[0].Seq != 2 || page[2].Seq != 4 {
		t.Fatalf("the page is %+v, %v", page, err)
	}
	l, err := box.Letter(4)
	if err != nil || l.ID != "3" || l.Key != "k" || l.URL != "http://a/" || l.Type != "CallConnected" || string(l.Body) != "body of 3" ||
		l.Header["Content-Type"] != "application/json" || l.Life != 24*time.Hour || !l.At.Equal(at) ||
		l.Obituary != (outbox.Obituary{Reason: "refused", Error: "the answer was 400", Attempts: 6}) {
		t.Errorf("letter 4 is %+v, %v", l, err)
	}
	if err := box.Discard(4); err != nil {
		t.Fatal(err)
	}
	if _, err := box.Letter(4); !errors.Is(err, outbox.ErrNotFound) {
		t.Errorf("a removed letter: %v", err)
	}
	if err := box.Discard(4); !errors.Is(err, outbox.ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
	if _, err := shelf.Add(t.Context(), []byte("nonsense")); err != nil {
		t.Fatal(err)
	}
	rest, err := box.Letters(4, 10)
	if err != nil || len(rest) != 2 || rest[1].Seq != 6 || rest[1].Reason != "unreadable" {
		t.Errorf("what cannot be read is not listed: %+v, %v", rest, err)
	}
	if err := box.Discard(6); err != nil {
		t.Error(err)
	}
}

// TestWhatFindsNoPlaceOnTheShelfIsGone and says so.
func TestWhatFindsNoPlaceOnTheShelfIsGone(t *testing.T) {
	j := &journal.Memory{}
	box := open(t, outbox.Config{Journal: j, Shelf: &journal.MemoryShelf{ShelfConfig: journal.ShelfConfig{MaxBytes: 10}}})
	e := add(t, box, item("1", "http://a/"))
	if err := box.Bury(t.Context(), e, outbox.Obituary{Reason: "expired"}); !errors.Is(err, journal.ErrFull) {
		t.Errorf("a full shelf: %v", err)
	}
	if pending(box) != "" {
		t.Error("it keeps its lane waiting")
	}
}

// TestAHostsShareIsByHostAndPort: what is no URL is a host of its own.
func TestAHostsShareIsByHostAndPort(t *testing.T) {
	box := open(t, outbox.Config{MaxItems: 4}) // one for each
	for _, url := range []string{"http://a/x?y=//b/", "http://a:81", "https://user:secret@b/", "nonsense"} {
		if _, refused, err := box.Append(t.Context(), []outbox.Item{item(url, url)}); err != nil || len(refused) > 0 {
			t.Errorf("%s: %v %v", url, refused, err)
		}
	}
	_, refused, _ := open(t, outbox.Config{MaxItems: 4}).Append(t.Context(), []outbox.Item{item("1", "http://a/x"), item("2", "http://a?z"), item("3", "https://user:secret@a#f")})
	if len(refused) != 2 || strings.Contains(refused[1].Err.Error(), "secret") {
		t.Errorf("refused %v", refused)
	}
}
