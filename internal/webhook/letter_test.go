package webhook_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/journal"
	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/internal/outbox"
	"github.com/tipring/tipring/internal/webhook"
)

// letters lists dead letters as "type reason attempts".
func letters(t *testing.T, c *webhook.Courier) []string {
	t.Helper()
	list, err := c.Letters(0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, l := range list {
		out = append(out, fmt.Sprintf("%s %s %d", l.Type, l.Reason, l.Attempts))
	}
	return out
}

func TestWhatIsGivenUpBecomesADeadLetterWithItsReason(t *testing.T) {
	for name, c := range map[string]struct {
		app   host
		after time.Duration
		want  string
		says  string
	}{
		"refused": {always(http.StatusBadRequest), time.Minute, "PlayCompleted refused ", "the answer was Bad Request"},
		"gone":    {always(http.StatusGone), 0, "PlayCompleted refused 1", "the answer was Gone"},
		"expired": {down, 24 * time.Hour, "PlayCompleted expired ", "connection refused"},
		"hangs":   {hang, 24 * time.Hour, "PlayCompleted expired ", "deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := newNetwork(map[string]host{"app": c.app})
				courier, stop := running(t, webhook.Config{Client: net.client()})
				defer stop()
				began := time.Now()
				take(t, courier, played("1", "c", "http://app/x?secret=1"))
				drained(t, courier, 25*time.Hour)
				if took := time.Since(began); took != c.after {
					t.Errorf("given up after %v, want %v", took, c.after)
				}
				if got := letters(t, courier); len(got) != 1 || !strings.HasPrefix(got[0], c.want) {
					t.Fatalf("the dead letters are %v, want %s", got, c.want)
				}
				l, err := courier.Letter(1)
				if err != nil || l.ID != "1" || l.URL != "http://app/x?secret=1" || id(t, l.Body) != "1" || !strings.Contains(l.Error, c.says) || l.Attempts != len(net.to("app")) {
					t.Errorf("the letter is %+v, %v; %d attempts were made", l, err, len(net.to("app")))
				}
			})
		})
	}
}

func TestADeadLetterIsSentAgainWithItsID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var up atomic.Bool
		net := newNetwork(map[string]host{"app": func(*http.Request, []byte) (int, string, error) {
			if up.Load() {
				return http.StatusOK, "", nil
			}
			return http.StatusGone, "", nil
		}})
		courier, stop := running(t, webhook.Config{Client: net.client()})
		defer stop()
		take(t, courier, played("1", "c", "http://app/"), played("2", "c", "http://app/"), played("3", "c", "http://app/"))
		drained(t, courier, time.Minute)
		if err := courier.Resend(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		drained(t, courier, time.Minute)
		if list, _ := courier.Letters(0, 10); len(list) != 3 || list[2].Seq != 4 || list[2].ID != "2" {
			t.Errorf("refused once more, the letters are %+v", list)
		}
		<-time.After(48 * time.Hour) // its time begins anew
		up.Store(true)
		for _, seq := range []uint64{1, 4} {
			if err := courier.Resend(t.Context(), seq); err != nil {
				t.Fatal(err)
			}
		}
		if err := courier.Discard(3); err != nil {
			t.Fatal(err)
		}
		drained(t, courier, time.Minute)
		if ids := net.delivered(t, "app"); !slices.Equal(ids, []string{"1", "2"}) {
			t.Errorf("delivered %v", ids)
		}
		if got := letters(t, courier); len(got) != 0 {
			t.Errorf("left: %v", got)
		}
		if err := courier.Resend(t.Context(), 1); !errors.Is(err, outbox.ErrNotFound) {
			t.Errorf("sent twice: %v", err)
		}
	})
}

func TestAnEventThatThereIsNoRoomForIsADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, err := outbox.Open(outbox.Config{MaxItems: 8})
		if err != nil {
			t.Fatal(err)
		}
		set := &metric.Set{}
		net := newNetwork(map[string]host{"dead": down, "app": always(http.StatusOK)})
		courier, stop := running(t, webhook.Config{Client: net.client(), Outbox: box, Metrics: set, Drain: time.Second, Subscribers: []string{"http://dead/"}})
		defer stop()
		take(t, courier, played("1", "c1", "http://dead/"), played("2", "c2", "http://dead/"), played("3", "c3", "http://dead/"), ringing("4"), played("5", "c1", "http://app/"))
		synctest.Wait()
		if ids := net.delivered(t, "app"); !slices.Equal(ids, []string{"5"}) {
			t.Errorf("delivered %v", ids)
		}
		if got := letters(t, courier); !slices.Equal(got, []string{"PlayCompleted no room 0"}) {
			t.Errorf("the dead letters are %v", got)
		}
		if n := set.Counter("webhook_events_total", "result", "outbox", "").Value(); n != 2 {
			t.Errorf("%d counted", n)
		}
	})
}

// TestALetterThatIsSentAgainIsNewAfterARestartToo.
func TestALetterThatIsSentAgainIsNewAfterARestartToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &journal.Memory{}
		net := newNetwork(map[string]host{"app": down})
		courier, stop := running(t, webhook.Config{Client: net.client(), Outbox: open(t, j), Drain: time.Second})
		take(t, courier, played("1", "c", "http://app/"))
		<-time.After(72 * time.Hour)
		if err := courier.Resend(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		stop()
		if list := open(t, j).Pending(); len(list) != 1 || time.Until(list[0].Deadline) < 23*time.Hour {
			t.Errorf("pending after a restart: %+v", list)
		}
	})
}

// TestAFormerSubscriberIsSentNothing: its events do not go out as if they were
// callbacks, with a token and without a handshake.
func TestAFormerSubscriberIsSentNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := open(t, nil)
		net := newNetwork(map[string]host{"old": down, "new": agree(always(http.StatusOK))})
		courier, stop := running(t, webhook.Config{Client: net.client(), Outbox: box, Subscribers: []string{"http://old/"}, Drain: time.Second})
		take(t, courier, event.Event{ID: "1", Time: time.Now(), Call: "call", Body: event.CallStarted{}})
		stop()
		tries := len(net.to("old"))
		next, stop := running(t, webhook.Config{Client: net.client(), Outbox: box, Subscribers: []string{"http://new/"}})
		defer stop()
		drained(t, next, time.Second)
		if more := len(net.to("old")) - tries; more != 0 {
			t.Errorf("%d requests", more)
		}
		if got := letters(t, next); !slices.Equal(got, []string{"CallStarted unsubscribed 1"}) {
			t.Errorf("the dead letters are %v", got)
		}
	})
}
