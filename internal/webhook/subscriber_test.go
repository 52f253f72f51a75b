package webhook_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tipring/tipring/internal/acs"
	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/webhook"
)

func TestAnAppThatStartsLateGetsTheCallThatRings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		net := newNetwork(map[string]host{"late": func(r *http.Request, body []byte) (int, string, error) {
			if time.Since(began) < 20*time.Second {
				return 0, "", errDown
			}
			return agree(always(200))(r, body)
		}})
		courier, stop := running(t, webhook.Config{Client: net.client(), Subscribers: []string{"http://late/events"}})
		defer stop()
		<-time.After(5 * time.Second)
		take(t, courier, ringing("call"))
		drained(t, courier, time.Minute)
		if ids := net.delivered(t, "late"); !slices.Equal(ids, []string{"call"}) {
			t.Fatalf("delivered %v", ids)
		}
		if took := time.Since(began); took > 27*time.Second {
			t.Errorf("it took %v, the app was there after 20s", took)
		}
		for _, p := range net.to("late") {
			want := acs.GridValidation
			if strings.Contains(string(p.body), "IncomingCall") {
				want = acs.GridNotification
			}
			if got := p.header.Get(acs.GridHeader); got != want || p.header.Get("Content-Type") != "application/json" {
				t.Errorf("header %s is %q, want %q", acs.GridHeader, got, want)
			}
		}
	})
}

func TestARingingCallIsNotAnnouncedAfterItsTime(t *testing.T) {
	for name, h := range map[string]host{
		"no handshake":    down,
		"wrong code":      func(*http.Request, []byte) (int, string, error) { return 200, `{"validationResponse":"x"}`, nil },
		"not JSON":        always(200),
		"202":             always(202),
		"takes no events": agree(always(503)),
		"hangs":           agree(hang),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				net := newNetwork(map[string]host{"app": h, "good": agree(always(200))})
				courier, stop := running(t, webhook.Config{Client: net.client(), Subscribers: []string{"http://app/", "http://good/"}})
				defer stop()
				take(t, courier, ringing("call"))
				drained(t, courier, time.Minute)
				if took := time.Since(began); took != 30*time.Second {
					t.Errorf("given up after %v, want 30s", took)
				}
				if ids := net.delivered(t, "app"); len(ids) > 0 {
					t.Errorf("delivered %v", ids)
				}
				if ids := net.delivered(t, "good"); !slices.Equal(ids, []string{"call"}) {
					t.Errorf("the other subscriber got %v", ids)
				}
			})
		})
	}
}

func TestEventsThatNobodyAskedForAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(map[string]host{})
		courier, stop := running(t, webhook.Config{Client: net.client()})
		defer stop()
		take(t, courier, ringing("nobody subscribes"))
		take(t, courier, event.Event{ID: "no callback", Connection: "c", Body: event.CallConnected{}})
		take(t, courier, event.Event{ID: "no body", Connection: "c", Callback: "http://app/"})
		drained(t, courier, time.Second)
		if len(net.posts) > 0 {
			t.Errorf("posted %d", len(net.posts))
		}
	})
}
