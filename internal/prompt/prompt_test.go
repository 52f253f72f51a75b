package prompt_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/tipring/tipring/internal/prompt"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/mediatest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(status int) {
		http.DefaultClient.CloseIdleConnections()
		os.Exit(status)
	}))
}

// wavOf is a WAV file of 16-bit PCM.
func wavOf(rate, channels int, pcm []int16) []byte {
	var b bytes.Buffer
	b.WriteString("RIFF")
	for _, v := range []any{uint32(36 + 2*len(pcm)), [8]byte([]byte("WAVEfmt ")), uint32(16), uint16(1), uint16(channels),
		uint32(rate), uint32(2 * rate * channels), uint16(2 * channels), uint16(16), [4]byte([]byte("data")), uint32(2 * len(pcm)), pcm} {
		binary.Write(&b, binary.LittleEndian, v) // into memory
	}
	return b.Bytes()
}

// tone is a sine of whole periods where rate and length allow.
func tone(rate int, hz float64, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(8000 * math.Sin(2*math.Pi*hz*float64(i)/float64(rate)))
	}
	return pcm
}

// site serves files and counts the requests.
type site struct {
	*httptest.Server
	requests atomic.Int64
}

func serve(t testing.TB, handler http.HandlerFunc) *site {
	t.Helper()
	s := &site{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func bytesOf(b []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.Write(b) }
}

func library(t *testing.T, l *prompt.Library) *prompt.Library {
	t.Helper()
	t.Cleanup(l.Close)
	return l
}

func fetch(t *testing.T, l *prompt.Library, uri, id string) *prompt.Prompt {
	t.Helper()
	p, err := l.Fetch(t.Context(), uri, id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func ready(t *testing.T, p *prompt.Prompt) {
	t.Helper()
	if err := p.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// play reads a voice at a rate until its end, or for so many ticks.
func play(t *testing.T, s media.Source, rate media.Rate, ticks int) (mediatest.Sound, error) {
	t.Helper()
	f := media.Frame{Rate: rate}
	heard := mediatest.Sound{Rate: int(rate)}
	for range ticks {
		n, err := s.Read(&f)
		heard.PCM = append(heard.PCM, f.PCM()[:n]...)
		if err != nil {
			return heard, err
		}
	}
	return heard, nil
}

// all waits until a prompt is there as a whole.
func all(t *testing.T, l *prompt.Library, p *prompt.Prompt) {
	t.Helper()
	ready(t, p)
	l.Wait()
}
