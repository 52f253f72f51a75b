package sip_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/sip"
)

// many is n headers.
func many(n int, value string) map[string]string {
	h := map[string]string{}
	for i := range n {
		h[fmt.Sprint("X-", i)] = value
	}
	return h
}

func TestHeadersThatCannotBeSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, func(s *sip.Server) {
			s.Resolver = func(context.Context, string) (string, error) { return "sip:carol@127.0.0.1", nil }
		})
		p := b.phone("127.0.0.1:7001")
		l := b.established(p)
		for name, headers := range map[string]map[string]string{
			"a line break":          {"X-Evil": "a\r\nVia: b"},
			"a bare line feed":      {"User-To-User": "a\nb"},
			"a zero":                {"X-Evil": "a\x00b"},
			"a DEL":                 {"X-Evil": "a\x7fb"},
			"no UTF-8":              {"X-Evil": "a\xffb"},
			"another header":        {"Via": "no"},
			"a prefix and no more":  {"X-": "x"},
			"a break in the name":   {"X-a\r\nVia": "x"},
			"a colon in the name":   {"X-a:": "x"},
			"a space in the name":   {"X-a b": "x"},
			"a long name":           {"X-" + strings.Repeat("n", 200): "x"},
			"a long value":          {"X-a": strings.Repeat("v", 1025)},
			"too many":              many(65, "x"),
			"too large all of them": many(64, strings.Repeat("v", 300)),
		} {
			if _, err := b.server.Dial(t.Context(), sip.DialConfig{Target: "sip:bob@127.0.0.1:7001", Headers: headers}); !errors.Is(err, sip.ErrHeader) {
				t.Errorf("%s: dialled, %v", name, err)
			}
			if err := l.(leg.Transferrer).Transfer(t.Context(), "8:acs:carol", headers); !errors.Is(err, sip.ErrHeader) {
				t.Errorf("%s: transferred, %v", name, err)
			}
		}
		synctest.Wait()
		p.none(time.Second)
	})
}

func TestTargetsThatSmuggle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		synctest.Wait()
		for _, target := range []string{"sip:bob@127.0.0.1:7001\r\nX: y", "sip:bob@127.0.0.1:7001;x=\r\nX: y", "sip:b\nob@127.0.0.1:7001"} {
			if _, err := b.server.Dial(t.Context(), sip.DialConfig{Target: target}); err == nil {
				t.Errorf("dialled %q", target)
			}
		}
	})
}

// TestHeadersGoThrough: what one server sends, the other hears.
func TestHeadersGoThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		caller := b.newServer("127.0.0.1:6060")
		b.start(caller, make(chan struct{}))
		synctest.Wait()
		headers := map[string]string{
			"User-To-User": "3132;encoding=hex", "X-MS-Custom-key": "grün, \"quoted\"; and more", "X-k": "v",
			sip.VoIPHeader("a b:%ü"): "voip",
		}
		out, err := caller.Dial(t.Context(), sip.DialConfig{Target: "sip:bob@" + serverAddr, From: leg.Party{ID: "8:acs:al"}, Headers: headers})
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		in := b.leg()
		if got := in.Call().Headers; !maps.Equal(got, headers) {
			t.Errorf("got %q, want %q", got, headers)
		}
		in.Hangup(t.Context(), leg.Declined)
	})
}

func TestIncomingHeadersAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		lines := []string{"User-To-User: 4d", "X-Long: " + strings.Repeat("v", 1025)}
		for name := range many(50, "") {
			lines = append(lines, name+": x")
		}
		p.say(p.request("INVITE", offerPCMU, lines...))
		l := b.leg()
		got := l.Call().Headers
		if len(got) != 32 || got["User-To-User"] != "4d" || got["X-Long"] != "" {
			t.Errorf("%d headers: %v", len(got), got)
		}
		l.Hangup(t.Context(), leg.Declined)
	})
}

func TestVoIPHeader(t *testing.T) {
	for key, want := range map[string]string{
		"key": "X-MS-VoIP-key", "a b": "X-MS-VoIP-a%20b", "100%": "X-MS-VoIP-100%25", "ü:": "X-MS-VoIP-%C3%BC%3A", "a\r\nb": "X-MS-VoIP-a%0D%0Ab",
	} {
		if got := sip.VoIPHeader(key); got != want || !sip.IsVoIPHeader(got) {
			t.Errorf("VoIPHeader(%q) = %q, want %q", key, got, want)
		}
	}
	if sip.IsVoIPHeader("X-MS-Custom-a") || sip.IsVoIPHeader("X-MS-VoIP-") {
		t.Error("no VoIP header")
	}
}
