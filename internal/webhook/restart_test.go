package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
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

// killed runs a courier over a journal until it is killed: what was posted may
// not have been struck out.
func killed(t *testing.T, j journal.Journal, c webhook.Config) (courier *webhook.Courier, kill func()) {
	t.Helper()
	c.Outbox, c.Drain = open(t, j), time.Nanosecond
	courier, stop := running(t, c)
	return courier, stop
}

// forgetful is a journal whose Later is lost in a crash.
type forgetful struct{ journal.Memory }

func (*forgetful) Later(...journal.Record) {}

func TestARestartSendsWhatIsPendingInOrderAndWithTheSameIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(3, 4))
		net := newNetwork(nil)
		net.hosts = map[string]host{"app": func(*http.Request, []byte) (int, string, error) {
			net.mu.Lock()
			dice := random.IntN(3)
			net.mu.Unlock()
			<-time.After(time.Duration(dice) * 100 * time.Millisecond)
			if dice == 0 {
				return http.StatusInternalServerError, "", nil
			}
			return http.StatusOK, "", nil
		}}
		j := &forgetful{}
		n := 0
		for range 30 {
			courier, kill := killed(t, j, webhook.Config{Client: net.client()})
			for range 5 {
				n++
				name := fmt.Sprintf("c%d", n%7)
				take(t, courier, played(fmt.Sprintf("%s/%03d", name, n), name, "http://app/"))
			}
			net.mu.Lock()
			lives := time.Duration(random.IntN(3000)) * time.Millisecond
			net.mu.Unlock()
			<-time.After(lives)
			kill()
		}
		last, stop := running(t, webhook.Config{Client: net.client(), Outbox: open(t, j)})
		defer stop()
		drained(t, last, time.Hour)
		first := map[string][]string{} // by connection, each id when it came first
		for _, id := range net.delivered(t, "app") {
			name, _, _ := strings.Cut(id, "/")
			if !slices.Contains(first[name], id) {
				first[name] = append(first[name], id)
			}
		}
		total := 0
		for name, ids := range first {
			total += len(ids)
			if !slices.IsSorted(ids) {
				t.Errorf("%s got %v", name, ids)
			}
		}
		if total != n {
			t.Errorf("%d events of %d arrived", total, n)
		}
	})
}

// TestAfterARestartNewEventsStandBehindOldOnes, even if they come before Run.
func TestAfterARestartNewEventsStandBehindOldOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &journal.Memory{}
		net := newNetwork(map[string]host{"app": always(http.StatusOK)})
		before := webhook.New(webhook.Config{Outbox: open(t, j)}) // killed before it ran
		take(t, before, played("1", "c", "http://app/"), played("2", "c", "http://app/"))
		after := webhook.New(webhook.Config{Outbox: open(t, j), Client: net.client()})
		take(t, after, played("3", "c", "http://app/"))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := after.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if ids := net.delivered(t, "app"); !slices.Equal(ids, []string{"1", "2", "3"}) {
			t.Errorf("delivered %v", ids)
		}
	})
}

func TestACallThatHasStoppedRingingIsNotAnnouncedAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &journal.Memory{}
		set := &metric.Set{}
		net := newNetwork(map[string]host{"app": agree(always(http.StatusOK))})
		before := webhook.New(webhook.Config{Outbox: open(t, j), Subscribers: []string{"http://app/"}})
		take(t, before, ringing("over"))
		<-time.After(20 * time.Second)
		take(t, before, ringing("rings"), event.Event{ID: "started", Time: time.Now(), Call: "call", Body: event.CallStarted{}})
		<-time.After(10 * time.Second)
		after, stop := running(t, webhook.Config{Outbox: open(t, j), Client: net.client(), Subscribers: []string{"http://app/"}, Metrics: set})
		defer stop()
		drained(t, after, time.Second)
		if ids := net.delivered(t, "app"); !slices.Equal(ids, []string{"rings", "started"}) {
			t.Errorf("delivered %v", ids)
		}
		if n := set.Counter("webhook_events_total", "result", "given up", "").Value(); n != 1 {
			t.Errorf("%d counted", n)
		}
		if got := letters(t, after); len(got) != 0 {
			t.Errorf("the dead letters are %v", got)
		}
	})
}

// TestAJumpOfTheWallClockMeansNothing while the process runs: an hour back or on,
// in the times of events and of the log.
func TestAJumpOfTheWallClockMeansNothing(t *testing.T) {
	for name, jump := range map[string]time.Duration{"on": time.Hour, "back": -time.Hour, "far on": 48 * time.Hour, "far back": -48 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var offset atomic.Int64
				wall := func() time.Time { return time.Now().Add(time.Duration(offset.Load())).Round(0) } // without the monotonic clock
				j := &journal.Memory{}
				box, err := outbox.Open(outbox.Config{Journal: j, Now: wall})
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				net := newNetwork(map[string]host{"dead": down, "app": agree(func(*http.Request, []byte) (int, string, error) {
					if time.Since(began) < 5*time.Second {
						return http.StatusServiceUnavailable, "", nil
					}
					return http.StatusOK, "", nil
				})})
				courier, stop := running(t, webhook.Config{Client: net.client(), Outbox: box, Now: wall, Subscribers: []string{"http://app/"}})
				defer stop()
				at := func(e event.Event) event.Event {
					e.Time = wall()
					return e
				}
				synctest.Wait() // the handshake
				take(t, courier, at(ringing("before")), at(played("1", "c1", "http://dead/")))
				offset.Store(int64(jump))
				take(t, courier, at(ringing("after")), at(played("2", "c2", "http://dead/")))
				<-time.After(40 * time.Second)
				if ids := net.delivered(t, "app"); !slices.Equal(ids, []string{"before", "after"}) {
					t.Errorf("after a jump %v of the ringing calls were announced", ids)
				}
				drained(t, courier, 25*time.Hour)
				if took := time.Since(began); took != 24*time.Hour {
					t.Errorf("given up after %v", took)
				}
			})
		})
	}
}

// sick is a journal that takes nothing while it is ill.
type sick struct {
	journal.Memory
	ill atomic.Bool
	mu  sync.Mutex
	all []int // records of each commit
}

var errDisk = fmt.Errorf("%w: no space left on device", journal.ErrFull)

func (s *sick) Commit(ctx context.Context, records ...journal.Record) error {
	if s.ill.Load() {
		return errDisk
	}
	s.mu.Lock()
	s.all = append(s.all, len(records))
	s.mu.Unlock()
	return s.Memory.Commit(ctx, records...)
}

func TestAFullDiskIsAnErrorAndStopsNoEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &sick{}
		var up atomic.Bool
		net := newNetwork(map[string]host{"app": always(http.StatusOK), "late": func(*http.Request, []byte) (int, string, error) {
			if up.Load() {
				return http.StatusOK, "", nil
			}
			return 0, "", errDown
		}})
		courier, stop := running(t, webhook.Config{Client: net.client(), Outbox: open(t, j), Drain: time.Nanosecond})
		j.ill.Store(true)
		memo := journal.Record{Key: "call/1", Value: []byte("memo")}
		if err := courier.Take([]event.Event{played("1", "c", "http://app/"), played("2", "c", "http://late/")}, memo); !errors.Is(err, journal.ErrFull) {
			t.Errorf("the error is %v", err)
		}
		synctest.Wait()
		if ids := net.delivered(t, "app"); !slices.Equal(ids, []string{"1"}) {
			t.Errorf("delivered %v", ids)
		}
		j.ill.Store(false)
		stop() // saves what is left
		up.Store(true)
		next, stop := running(t, webhook.Config{Client: net.client(), Outbox: open(t, j)})
		defer stop()
		drained(t, next, time.Second)
		if ids := net.delivered(t, "late"); !slices.Equal(ids, []string{"2"}) {
			t.Errorf("delivered after the restart: %v", ids)
		}
	})
}

// TestEventsAndMemoAreOneCommit, also when some events go nowhere.
func TestEventsAndMemoAreOneCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &sick{}
		courier := webhook.New(webhook.Config{Outbox: open(t, j), Subscribers: []string{"http://a/", "http://b/"}})
		err := courier.Take([]event.Event{
			played("1", "c", "http://app/"), ringing("2"), {ID: "3", Connection: "c", Body: event.CallConnected{}}, {ID: "4", Callback: "http://app/"},
		}, journal.Record{Key: "call/1", Value: []byte("memo")}, journal.Record{Key: "repeat/1", Value: []byte("answer")})
		if err != nil || !slices.Equal(j.all, []int{5}) {
			t.Errorf("%v, commits of %v records", err, j.all)
		}
		if err := courier.Take(nil, journal.Record{Key: "call/1"}); err != nil {
			t.Error(err)
		}
		if _, err := j.Get("call/1"); !errors.Is(err, journal.ErrNotFound) {
			t.Errorf("the memo was not removed: %v", err)
		}
	})
}
