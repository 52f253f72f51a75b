package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkPlay is one signed play request, without the network and the call.
func BenchmarkPlay(b *testing.B) {
	s := newServer()
	const body = `{"playSources":[{"kind":"file","playSourceCacheId":"cache1","file":{"uri":"http://localhost/a.wav"}}],"playTo":[{"rawId":"4:+14255550123","phoneNumber":{"value":"+14255550123","isAnonymous":false}}],"playOptions":{"loop":true},"operationContext":"p"}`
	const target = "/calling/callConnections/conn-1:play?api-version=2026-03-12"
	r := signed(http.MethodPost, target, body)
	header := r.Header.Clone()
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
		r.Host, r.Header = host, header
		if w := s.do(r); w.Code != http.StatusAccepted {
			b.Fatal(w.Code)
		}
		s.calls.asked = s.calls.asked[:0]
	}
}
