package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tipring/tipring/internal/journal"
	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/internal/webhook"
)

// running starts a courier inside the bubble of a test; stop ends it and waits.
func running(t *testing.T, c webhook.Config) (courier *webhook.Courier, stop func()) {
	t.Helper()
	courier = webhook.New(c)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- courier.Run(ctx) }()
	return courier, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func drained(t *testing.T, c *webhook.Courier, within time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	if err := c.Drain(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestEventsOfAConnectionArriveInOrderWhateverFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 2))
		var hosts = map[string]host{}
		net := newNetwork(hosts)
		hosts["app"] = func(*http.Request, []byte) (int, string, error) {
			net.mu.Lock()
			dice, pause := random.IntN(10), time.Duration(random.IntN(40))*time.Second
			net.mu.Unlock()
			<-time.After(pause) // a slow network: virtual time
			switch {
			case dice < 2:
				return 0, "", errDown
			case dice < 4:
				return http.StatusBadGateway, "", nil
			}
			return http.StatusOK, "ok", nil
		}
		courier, stop := running(t, webhook.Config{Client: net.client()})
		defer stop()
		const connections, events = 20, 30
		for n := range events {
			for c := range connections {
				name := fmt.Sprintf("c%02d", c)
				take(t, courier, played(fmt.Sprintf("%s/%03d", name, n), name, "http://app/events?call="+name))
			}
		}
		drained(t, courier, 24*time.Hour)
		ids := net.delivered(t, "app")
		for c := range connections {
			prefix := fmt.Sprintf("c%02d/", c)
			var mine []string
			for _, id := range ids {
				if strings.HasPrefix(id, prefix) {
					mine = append(mine, id)
				}
			}
			if len(mine) != events || !slices.IsSorted(mine) {
				t.Errorf("connection %d got %v", c, mine)
			}
		}
	})
}

func TestADeadEndpointDelaysNobodyElse(t *testing.T) {
	for name, dead := range map[string]host{"refuses": down, "hangs": hang} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := newNetwork(map[string]host{"dead": dead, "app": always(http.StatusOK)})
				courier, stop := running(t, webhook.Config{Client: net.client(), Drain: time.Second})
				defer stop()
				for i := range 1000 {
					take(t, courier, played(fmt.Sprintf("d%d", i), fmt.Sprintf("dc%d", i), "http://dead/events"))
				}
				<-time.After(10 * time.Second)
				began := time.Now()
				for i := range 1000 {
					take(t, courier, played(fmt.Sprintf("a%d", i), fmt.Sprintf("ac%d", i), "http://app/events"))
					// the same connection, with a dead callback for one operation
					take(t, courier, played(fmt.Sprintf("o%d", i), fmt.Sprintf("ac%d", i), "http://dead/events"))
				}
				synctest.Wait()
				if n := len(net.delivered(t, "app")); n != 1000 || time.Since(began) != 0 {
					t.Errorf("%d events delivered after %v, want 1000 at once", n, time.Since(began))
				}
				if most := net.most["dead"]; most > 64 {
					t.Errorf("%d attempts at one time to one host, bound is 64", most)
				}
			})
		})
	}
}

func TestRetriesWaitLongerAndLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(map[string]host{"dead": down})
		courier, stop := running(t, webhook.Config{Client: net.client()})
		defer stop()
		began := time.Now()
		take(t, courier, played("1", "c", "http://dead/"))
		drained(t, courier, 25*time.Hour)
		posts := net.to("dead")
		for i := 1; i < min(12, len(posts)); i++ {
			want := min(time.Second<<(i-1), time.Minute)
			if got := posts[i].at.Sub(posts[i-1].at); got < want*3/4 || got > want*5/4 {
				t.Errorf("wait %d was %v, want %v more or less a quarter", i, got, want)
			}
		}
		if last := posts[len(posts)-1].at.Sub(began); last < 23*time.Hour || last > 24*time.Hour {
			t.Errorf("last attempt after %v, want just below 24 h", last)
		}
	})
}

// What an app answers, and when the event behind, which comes 30 s later, is
// sent.
func TestWhatCountsAsDelivered(t *testing.T) {
	for _, c := range []struct {
		status    int
		delivered bool
		from, to  time.Duration // when the next event is sent
	}{
		{200, true, 30 * time.Second, 30 * time.Second},
		{202, true, 30 * time.Second, 30 * time.Second},
		{204, true, 30 * time.Second, 30 * time.Second},
		{302, false, 24 * time.Hour, 24 * time.Hour},
		{307, false, 24 * time.Hour, 24 * time.Hour},
		{400, false, time.Minute, time.Minute},
		{401, false, time.Minute, time.Minute},
		{404, false, 24 * time.Hour, 24 * time.Hour},
		{410, false, 30 * time.Second, 30 * time.Second},
		{408, false, 24 * time.Hour, 24 * time.Hour},
		{429, false, 24 * time.Hour, 24 * time.Hour},
		{500, false, 24 * time.Hour, 24 * time.Hour},
		{502, false, 24 * time.Hour, 24 * time.Hour},
	} {
		t.Run(http.StatusText(c.status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := newNetwork(nil)
				net.hosts = map[string]host{"app": func(_ *http.Request, body []byte) (int, string, error) {
					if id(t, body) == "first" {
						return c.status, "", nil
					}
					return http.StatusOK, "", nil
				}}
				courier, stop := running(t, webhook.Config{Client: net.client()})
				defer stop()
				began := time.Now()
				take(t, courier, played("first", "c", "http://app/"))
				<-time.After(30 * time.Second)
				take(t, courier, played("second", "c", "http://app/"))
				drained(t, courier, 26*time.Hour)
				posts := net.to("app")
				last := posts[len(posts)-1]
				if wait := last.at.Sub(began); id(t, last.body) != "second" || wait < c.from || wait > c.to {
					t.Errorf("the next event came after %v, want %v to %v", wait, c.from, c.to)
				}
				if first := slices.Contains(net.delivered(t, "app"), "first"); first != c.delivered {
					t.Errorf("delivered: %v", first)
				}
				if len(net.to("elsewhere")) > 0 {
					t.Error("the redirect was followed")
				}
			})
		})
	}
}

func TestRetryAfterIsKeptTo(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"40": 40 * time.Second, "Sat, 01 Jan 2000 00:01:00 GMT": time.Minute,
		"999999": 10 * time.Minute, "soon": time.Second, "-5": time.Second,
	} {
		synctest.Test(t, func(t *testing.T) { // a bubble's clock begins with the year 2000
			calls := 0
			net := newNetwork(map[string]host{"app": func(*http.Request, []byte) (int, string, error) {
				if calls++; calls == 1 {
					return http.StatusTooManyRequests, "retry-after:" + value, nil
				}
				return http.StatusOK, "", nil
			}})
			courier, stop := running(t, webhook.Config{Client: net.client()})
			defer stop()
			take(t, courier, played("1", "c", "http://app/"))
			drained(t, courier, time.Hour)
			posts := net.to("app")
			if got := posts[1].at.Sub(posts[0].at); got < want*3/4 || got > want*5/4 {
				t.Errorf("Retry-After %q: waited %v, want %v", value, got, want)
			}
		})
	}
}

func TestTheEndDeliversWhatWaitsForItsRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var up atomic.Bool
		net := newNetwork(map[string]host{"app": func(*http.Request, []byte) (int, string, error) {
			if up.Load() {
				return http.StatusOK, "", nil
			}
			return 0, "", errDown
		}})
		box := open(t, &journal.Memory{})
		courier, stop := running(t, webhook.Config{Client: net.client(), Outbox: box})
		take(t, courier, played("1", "c", "http://app/"))
		take(t, courier, played("2", "c", "http://app/"))
		<-time.After(20 * time.Minute) // the waits are a minute long by now
		up.Store(true)
		began := time.Now()
		stop()
		if ids := net.delivered(t, "app"); !slices.Equal(ids, []string{"1", "2"}) || time.Since(began) != 0 {
			t.Errorf("delivered %v after %v", ids, time.Since(began))
		}
		if left := box.Pending(); len(left) != 0 {
			t.Errorf("left in the outbox: %v", left)
		}
	})
}

func TestTheEndDoesNotWaitForeverAndTheNextStartGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := open(t, &journal.Memory{})
		net := newNetwork(map[string]host{"app": hang})
		courier, stop := running(t, webhook.Config{Client: net.client(), Outbox: box, Drain: 3 * time.Second})
		take(t, courier, played("1", "c", "http://app/"))
		take(t, courier, played("2", "c", "http://app/"))
		synctest.Wait()
		began := time.Now()
		stop()
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("the end took %v, want 3s", took)
		}
		net.hosts["app"] = always(http.StatusOK)
		next, stop := running(t, webhook.Config{Client: net.client(), Outbox: box})
		defer stop()
		synctest.Wait()
		drained(t, next, time.Second)
		if ids := net.delivered(t, "app"); !slices.Equal(ids, []string{"1", "2"}) {
			t.Errorf("delivered %v", ids)
		}
	})
}

func TestEventsBeforeRunAndTwiceTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := &metric.Set{}
		net := newNetwork(map[string]host{"app": always(http.StatusOK)})
		courier := webhook.New(webhook.Config{Client: net.client(), Metrics: set})
		take(t, courier, played("1", "c", "http://app/"))
		take(t, courier, played("1", "c", "http://app/"))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := courier.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if ids := net.delivered(t, "app"); !slices.Equal(ids, []string{"1"}) {
			t.Errorf("delivered %v", ids)
		}
		if n := set.Counter("webhook_events_total", "result", "duplicate", "").Value(); n != 1 {
			t.Errorf("%d duplicates counted", n)
		}
	})
}

func TestCallbacksAreSignedAndSubscribersAreNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(map[string]host{"app": always(200), "grid": agree(always(200))})
		fails := true
		courier, stop := running(t, webhook.Config{
			Client: net.client(), Subscribers: []string{"http://grid/"}, Audience: "me",
			Sign: func(audience string) (string, error) {
				if fails = !fails; !fails {
					return "", errors.New("no key yet")
				}
				return "token-for-" + audience, nil
			},
		})
		defer stop()
		take(t, courier, played("1", "c", "http://app/"))
		take(t, courier, ringing("2"))
		drained(t, courier, time.Minute)
		if got := net.to("app")[0].header.Get("Authorization"); got != "Bearer token-for-me" {
			t.Errorf("callback's Authorization is %q", got)
		}
		for _, p := range net.to("grid") {
			if p.header.Get("Authorization") != "" {
				t.Error("a subscriber was sent a token")
			}
		}
	})
}
