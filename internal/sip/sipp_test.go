package sip_test

import (
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/tipring/tipring/internal/leg"
)

// TestTransferOfSipp: a user agent that is not ours is transferred. It checks
// our REFER, numbers its NOTIFYs by it, and fails if anything else comes.
func TestTransferOfSipp(t *testing.T) {
	defer goleak.VerifyNone(t)
	t.Run("", func(t *testing.T) {
		s := tcpServer(t)
		legs := make(chan leg.Incoming, 1)
		s.OnIncoming = func(_ context.Context, l leg.Incoming) { legs <- l }
		s.Resolver = func(context.Context, string) (string, error) { return "sip:carol@127.0.0.1:5090", nil }
		run(t, s)
		dir := t.TempDir()
		media, err := net.ListenPacket("udp4", "127.0.0.1:0") // a port that sipp may name
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(media.LocalAddr().String())
		media.Close()
		sipp := exec.CommandContext(t.Context(), "sipp", s.LocalAddr().String(), "-i", "127.0.0.1", "-mp", port, "-m", "1", "-nostdin", "-s", "bob",
			"-sf", filepath.Join("..", "..", "testdata", "e2e", "sipp", "transferred.xml"), "-timeout", "20s", "-timeout_error",
			"-trace_err", "-error_file", filepath.Join(dir, "errors"))
		failed := make(chan error, 1)
		var out []byte
		go func() {
			var err error
			out, err = sipp.CombinedOutput()
			failed <- err
		}()
		var l leg.Incoming
		select {
		case l = <-legs:
		case err := <-failed:
			t.Fatalf("no call: %v\n%s", err, out)
		}
		defer l.Close()
		if err := l.Answer(t.Context()); err != nil {
			t.Fatal(err)
		}
		want[leg.Answered](t, l)
		if err := l.(leg.Transferrer).Transfer(t.Context(), "8:acs:carol", map[string]string{"User-To-User": "M:o"}); err != nil {
			t.Fatal(err)
		}
		if e := want[leg.Transferred](t, l); !e.OK {
			t.Errorf("transferred %+v", e)
		}
		if err := l.Hangup(t.Context(), leg.Normal); err != nil {
			t.Error(err)
		}
		wantEnded(t, l, leg.Normal, false)
		if err := <-failed; err != nil {
			t.Errorf("sipp: %v\n%.4000s", err, out)
		}
	})
}
