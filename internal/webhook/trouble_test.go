package webhook_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/internal/webhook"
)

// slowly answers 200 after a while.
func slowly(after time.Duration) host {
	return func(r *http.Request, _ []byte) (int, string, error) {
		select {
		case <-time.After(after):
			return http.StatusOK, "", nil
		case <-r.Context().Done():
			return 0, "", r.Context().Err()
		}
	}
}

// TestManyHostsThatHangDelayNobody, nor do some that answer, but take very long.
func TestManyHostsThatHangDelayNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hosts := map[string]host{"app": always(http.StatusOK)}
		for h := range 200 {
			hosts[fmt.Sprintf("hang%d", h)] = hang
		}
		for h := range 6 {
			hosts[fmt.Sprintf("slow%d", h)] = slowly(20 * time.Second)
		}
		net := newNetwork(hosts)
		courier, stop := running(t, webhook.Config{Client: net.client(), Drain: time.Second})
		defer stop()
		for name := range hosts {
			if name == "app" {
				continue
			}
			for i := range 20 {
				take(t, courier, played(fmt.Sprintf("%s %d", name, i), fmt.Sprintf("%s c%d", name, i), "http://"+name+"/"))
			}
			if strings.HasPrefix(name, "slow") {
				for i := range 1000 {
					take(t, courier, played(fmt.Sprintf("%s more %d", name, i), fmt.Sprintf("%s m%d", name, i), "http://"+name+"/"))
				}
			}
		}
		for round := range 5 {
			began := time.Now()
			for i := range 500 {
				take(t, courier, played(fmt.Sprintf("%d/%d", round, i), fmt.Sprintf("ac%d", i), "http://app/"))
			}
			synctest.Wait()
			if n := len(net.delivered(t, "app")); n != 500*(round+1) || time.Since(began) != 0 {
				t.Errorf("round %d: %d events delivered after %v, want %d at once", round, n, time.Since(began), 500*(round+1))
			}
			<-time.After(25 * time.Second)
		}
		net.mu.Lock()
		defer net.mu.Unlock()
		if n := net.busy["hang7"]; n > 1 {
			t.Errorf("a host that hangs still holds %d slots", n)
		}
		if n := net.most["slow3"]; n < 64 {
			t.Errorf("a host that is slow but alive had %d attempts at one time at most", n)
		}
	})
}

// TestHostsThatAreSlowButAliveLeaveRoom: four that have more to take than there
// are slots do not have them all.
func TestHostsThatAreSlowButAliveLeaveRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hosts := map[string]host{"app": always(http.StatusOK)}
		for h := range 4 {
			hosts[fmt.Sprintf("slow%d", h)] = slowly(2 * time.Second)
		}
		net := newNetwork(hosts)
		courier, stop := running(t, webhook.Config{Client: net.client(), Slots: 300, HostSlots: 300, Drain: time.Second})
		defer stop()
		for h := range 4 {
			for i := range 2000 {
				take(t, courier, played(fmt.Sprintf("%d %d", h, i), fmt.Sprintf("%d c%d", h, i), fmt.Sprintf("http://slow%d/", h)))
			}
		}
		<-time.After(19 * time.Second)
		began := time.Now()
		for i := range 200 {
			take(t, courier, played(fmt.Sprintf("a%d", i), fmt.Sprintf("ac%d", i), "http://app/"))
		}
		synctest.Wait()
		if n := len(net.delivered(t, "app")); n != 200 || time.Since(began) != 0 {
			t.Errorf("%d events delivered after %v, want 200 at once", n, time.Since(began))
		}
		if net.most["slow0"] < 64 {
			t.Errorf("a slow host has %d attempts at one time", net.most["slow0"])
		}
	})
}

// TestLanesThatWaitCostNoGoroutine, whether their host is down or hangs.
func TestLanesThatWaitCostNoGoroutine(t *testing.T) {
	for name, dead := range map[string]host{"refuses": down, "hangs": hang, "fails": always(http.StatusInternalServerError)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := newNetwork(map[string]host{"dead": dead})
				courier, stop := running(t, webhook.Config{Client: net.client(), Drain: time.Second})
				defer stop()
				before := runtime.NumGoroutine()
				for i := range 8_000 {
					take(t, courier, played(fmt.Sprint(i), fmt.Sprintf("c%d", i), "http://dead/"))
				}
				<-time.After(90 * time.Second)
				if more := runtime.NumGoroutine() - before; more > 600 {
					t.Errorf("%d goroutines for 8,000 lanes", more)
				}
				posts := len(net.to("dead"))
				<-time.After(30 * time.Second)
				if a := (len(net.to("dead")) - posts) / 30; a > 100 {
					t.Errorf("a host that takes nothing is tried %d times a second", a)
				}
			})
		})
	}
}

// TestASlowEndpointKeepsUp: 200 calls a second with seven events each, to an app
// that takes a quarter of a second for every one of them.
func TestASlowEndpointKeepsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(map[string]host{"app": slowly(250 * time.Millisecond)})
		courier, stop := running(t, webhook.Config{Client: net.client()})
		defer stop()
		const seconds = 10
		for n := range 200 * seconds {
			name := fmt.Sprintf("c%d", n)
			for e := range 7 {
				take(t, courier, played(fmt.Sprintf("%s/%d", name, e), name, "http://app/"))
			}
			<-time.After(5 * time.Millisecond)
		}
		drained(t, courier, 2500*time.Millisecond) // the last call's own seven events take 1.75 s
		if n := len(net.delivered(t, "app")); n != 200*seconds*7 {
			t.Errorf("%d delivered", n)
		}
	})
}

// TestAHostThatComesBackIsSentEverythingSoon, and not as slowly as it was tried
// while it was down.
func TestAHostThatComesBackIsSentEverythingSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		net := newNetwork(map[string]host{"app": func(*http.Request, []byte) (int, string, error) {
			if time.Since(began) < 5*time.Minute {
				return 0, "", errDown
			}
			<-time.After(time.Millisecond)
			return http.StatusOK, "", nil
		}})
		courier, stop := running(t, webhook.Config{Client: net.client()})
		defer stop()
		for i := range 8_000 {
			take(t, courier, played(fmt.Sprint(i), fmt.Sprintf("c%d", i), "http://app/"))
		}
		<-time.After(5*time.Minute + 10*time.Second)
		if n := len(net.delivered(t, "app")); n < 2000 {
			t.Errorf("%d delivered in 10 s", n)
		}
		drained(t, courier, 90*time.Second) // whose turn was just over waits for a minute and a quarter
		if n := len(net.delivered(t, "app")); n != 8_000 {
			t.Errorf("%d delivered", n)
		}
	})
}

// dripping answers 200 with a body that never ends.
type dripping struct{ answers int }

func (d *dripping) RoundTrip(r *http.Request) (*http.Response, error) {
	d.answers++
	body := &drip{closed: make(chan struct{})}
	return &http.Response{StatusCode: http.StatusOK, Body: body, Request: r}, nil
}

type drip struct{ closed chan struct{} }

func (d *drip) Read(p []byte) (int, error) {
	select {
	case <-time.After(100 * time.Millisecond):
		return copy(p, "."), nil
	case <-d.closed:
		return 0, errors.New("closed")
	}
}

func (d *drip) Close() error {
	select {
	case <-d.closed:
	default:
		close(d.closed)
	}
	return nil
}

func TestAnAnswerThatNeverEndsIsADeliveryAndHoldsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := &dripping{}
		courier, stop := running(t, webhook.Config{Client: &http.Client{Transport: app}})
		defer stop()
		take(t, courier, played("1", "c", "http://app/"), played("2", "c", "http://app/"))
		drained(t, courier, 3*time.Second)
		if app.answers != 2 {
			t.Errorf("%d attempts for 2 events", app.answers)
		}
	})
}

// TestAConnectionThatWasClosedWhileIdleCostsNoSecond: an app closes what it has
// not used for a while, in the moment in which the next event comes.
func TestAConnectionThatWasClosedWhileIdleCostsNoSecond(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			in := bufio.NewReader(conn)
			if req, err := http.ReadRequest(in); err == nil {
				_, _ = io.Copy(io.Discard, req.Body)
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				_, _ = in.Peek(1) // the next request comes, and finds the door shut
			}
			conn.Close()
		}
	}()
	set := &metric.Set{}
	client := &http.Client{Transport: &http.Transport{}}
	courier, stop := running(t, webhook.Config{Client: client, Metrics: set})
	defer stop()
	for i := range 5 {
		take(t, courier, played(fmt.Sprint(i), "c", "http://"+l.Addr().String()+"/"))
		drained(t, courier, 10*time.Second)
	}
	if n := set.Counter("webhook_events_total", "result", "retry", "").Value(); n != 0 {
		t.Errorf("%d attempts failed", n)
	}
}

// TestWhatStoodBehindAnEventThatExpiredHasItsChance: a poisoned event holds its
// lane up for a day, and not for ever.
func TestWhatStoodBehindAnEventThatExpiredHasItsChance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(nil)
		net.hosts = map[string]host{"app": func(_ *http.Request, body []byte) (int, string, error) {
			if id(t, body) == "poison" {
				return http.StatusInternalServerError, "", nil
			}
			return http.StatusOK, "", nil
		}}
		courier, stop := running(t, webhook.Config{Client: net.client()})
		defer stop()
		take(t, courier, played("poison", "c", "http://app/"), played("2", "c", "http://app/"), played("3", "c", "http://app/"))
		drained(t, courier, 24*time.Hour+time.Second)
		if ids := net.delivered(t, "app"); !slices.Equal(ids, []string{"2", "3"}) {
			t.Errorf("delivered %v", ids)
		}
	})
}

// TestAttemptsAreCountedByResult, and deliveries with the time they took.
func TestAttemptsAreCountedByResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := &metric.Set{}
		net := newNetwork(map[string]host{
			"good": slowly(20 * time.Millisecond), "wants": always(http.StatusBadRequest), "fails": always(http.StatusBadGateway), "moved": always(http.StatusFound),
			"hangs": hang, "breaks": down, "down": func(*http.Request, []byte) (int, string, error) {
				return 0, "", &opError
			},
		})
		courier, stop := running(t, webhook.Config{Client: net.client(), Metrics: set})
		for name := range net.hosts {
			take(t, courier, played(name, name, "http://"+name+"/"))
		}
		<-time.After(2 * time.Hour)
		for result, want := range map[string]uint64{"2xx": 1, "3xx": 50, "4xx": 5, "5xx": 50, "timeout": 50, "broken": 50, "unreachable": 50} {
			if n := set.Counter("webhook_attempts_total", "result", result, "").Value(); n < want || want == 1 && n > want {
				t.Errorf("%s: %d attempts, want %d", result, n, want)
			}
		}
		if n, us := set.Counter("webhook_delivery_microseconds_count", "", "", "").Value(), set.Counter("webhook_delivery_microseconds_sum", "", "", "").Value(); n != 1 || us != 20_000 {
			t.Errorf("%d deliveries took %d µs", n, us)
		}
		for _, r := range set.Read() {
			if want, ok := map[string]float64{"outbox_items": 5, "outbox_oldest_seconds": 7200, "dead_letters": 1, "webhook_lanes": 5}[r.Name]; ok && r.Number != want {
				t.Errorf("%s is %v, want %v", r.Name, r.Number, want)
			}
		}
		stop()
	})
}

var opError = net.OpError{Op: "dial", Net: "tcp", Err: errDown}
