package prompt_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

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

func TestEveryFormatIsHeard(t *testing.T) {
	stereo := make([]int16, 2*22050)
	for i, v := range tone(44100, 440, 22050) {
		stereo[2*i], stereo[2*i+1] = v, v
	}
	files := map[string][]byte{
		"8 kHz WAV":           wavOf(8000, 1, tone(8000, 440, 4000)),
		"44.1 kHz stereo WAV": wavOf(44100, 2, stereo),
	}
	for _, name := range []string{"tone-16000-mono.mp3", "tone-44100-stereo.mp3", "tone-16000-mono.flac", "tone-22050-stereo-24.flac"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = b
	}
	for name, b := range files {
		t.Run(name, func(t *testing.T) {
			l := library(t, &prompt.Library{})
			p := fetch(t, l, serve(t, bytesOf(b)).URL+"/what.txt", "")
			all(t, l, p)
			for _, rate := range []media.Rate{media.Rate8k, media.Rate16k} {
				heard, err := play(t, p.Source(), rate, 100)
				if err != io.EOF {
					t.Fatalf("ended with %v", err)
				}
				if hz := heard.Frequency(); math.Abs(hz-440) > 1 {
					t.Errorf("at %d Hz: 440 Hz became %.2f", rate, hz)
				}
				length := heard.LastSound(100) - heard.FirstSound(100)
				if off := math.Abs(float64(length)/float64(rate) - 0.5); off > 0.06 { // an MP3 has its frames' length
					t.Errorf("at %d Hz: it is %d samples long, want half a second", rate, length)
				}
			}
		})
	}
}

func TestItsOwnRateIsExact(t *testing.T) {
	pcm := tone(8000, 440, 5003)
	l := library(t, &prompt.Library{})
	p := fetch(t, l, serve(t, bytesOf(wavOf(8000, 1, pcm))).URL, "")
	all(t, l, p)
	heard, err := play(t, p.Source(), media.Rate8k, 100)
	if err != io.EOF || len(heard.PCM) != len(pcm) {
		t.Fatalf("%d samples, %v; want %d", len(heard.PCM), err, len(pcm))
	}
	looped, err := play(t, p.Looped(), media.Rate8k, 100)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range looped.PCM {
		if v != pcm[i%len(pcm)] {
			t.Fatalf("sample %d of the loop is %d, want %d", i, v, pcm[i%len(pcm)])
		}
	}
}

func TestALoopHasNoSeam(t *testing.T) {
	for _, rate := range []int{12000, 11025, 24000, 44100, 48000} {
		pcm := tone(rate, 441, rate/3*2) // 294 whole periods
		l := library(t, &prompt.Library{})
		p := fetch(t, l, serve(t, bytesOf(wavOf(rate, 1, pcm))).URL, "")
		all(t, l, p)
		for _, to := range []media.Rate{media.Rate8k, media.Rate16k} {
			heard, err := play(t, p.Looped(), to, 200)
			if err != nil {
				t.Fatal(err)
			}
			if jumps := heard.PhaseJumps(441); len(jumps) > 0 || len(heard.PCM) != 4*int(to) {
				t.Errorf("%d to %d Hz: %d samples, jumps %v", rate, to, len(heard.PCM), jumps)
			}
		}
	}
}

func TestItPlaysWhileItLoads(t *testing.T) {
	pcm := tone(8000, 440, 8000)
	file := wavOf(8000, 1, pcm)
	begin, more := make(chan struct{}), make(chan struct{})
	l := library(t, &prompt.Library{})
	p := fetch(t, l, serve(t, func(w http.ResponseWriter, r *http.Request) {
		for _, part := range []struct {
			when chan struct{}
			what []byte
		}{{begin, file[:44+2*1000]}, {more, file[44+2*1000:]}} {
			select {
			case <-part.when:
			case <-r.Context().Done(): // the test has failed
				return
			}
			w.Write(part.what)
			w.(http.Flusher).Flush()
		}
	}).URL, "")
	early := p.Source() // before anything is known of it
	if n, err := early.Read(&media.Frame{Rate: media.Rate8k}); n != 0 || err != nil {
		t.Errorf("before the header: %d, %v; want silence", n, err)
	}
	close(begin)
	ready(t, p)
	var first mediatest.Sound
	for len(first.PCM) < 1000 {
		heard, err := play(t, early, media.Rate8k, 1)
		if err != nil {
			t.Fatal(err)
		}
		first.PCM = append(first.PCM, heard.PCM...)
	}
	if heard, err := play(t, early, media.Rate8k, 50); len(heard.PCM) != 0 || err != nil {
		t.Errorf("while the server says nothing: %d samples, %v; want silence", len(heard.PCM), err)
	}
	close(more)
	l.Wait()
	rest, err := play(t, early, media.Rate8k, 100)
	if got := append(first.PCM, rest.PCM...); err != io.EOF || len(got) != len(pcm) {
		t.Fatalf("in all %d samples, %v; want %d", len(got), err, len(pcm))
	} else {
		for i := range got {
			if got[i] != pcm[i] {
				t.Fatalf("sample %d is %d, want %d", i, got[i], pcm[i])
			}
		}
	}
}

func TestADownloadThatBreaks(t *testing.T) {
	file := wavOf(8000, 1, tone(8000, 440, 8000))
	l := library(t, &prompt.Library{})
	p := fetch(t, l, serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(file)))
		w.Write(file[:6000])
		panic(http.ErrAbortHandler)
	}).URL, "")
	ready(t, p)
	l.Wait()
	for _, voice := range []media.Source{p.Source(), p.Looped()} {
		heard, err := play(t, voice, media.Rate8k, 100)
		if !errors.Is(err, prompt.ErrUnreachable) || errors.Is(err, io.EOF) || len(heard.PCM) < 2000 {
			t.Errorf("%d samples, then %v; want what has come, then ErrUnreachable", len(heard.PCM), err)
		}
		if n, err := voice.Read(&media.Frame{Rate: media.Rate8k}); n != 0 || err != io.EOF {
			t.Errorf("after that: %d, %v; want io.EOF", n, err)
		}
	}
}

func TestWhatCannotBePlayed(t *testing.T) {
	silence := make([]int16, 8000)
	closed := serve(t, bytesOf(nil))
	closed.Close()
	for name, c := range map[string]struct {
		uri     string
		handler http.HandlerFunc
		limits  *prompt.Library
		want    error
	}{
		"missing":       {handler: http.NotFound, want: prompt.ErrUnreachable},
		"an error page": {handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, want: prompt.ErrUnreachable},
		"nothing new":   {handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) }, want: prompt.ErrUnreachable},
		"nobody there":  {uri: closed.URL, want: prompt.ErrUnreachable},
		"hangs up":      {handler: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, want: prompt.ErrUnreachable},
		"text":          {handler: bytesOf([]byte(strings.Repeat("this is no sound. ", 1000))), want: prompt.ErrFormat},
		"nothing":       {handler: bytesOf(nil), want: prompt.ErrFormat},
		"no samples":    {handler: bytesOf(wavOf(8000, 1, nil)), want: prompt.ErrFormat},
		"half a header": {handler: bytesOf(wavOf(8000, 1, silence)[:20]), want: prompt.ErrFormat},
		"no MP3":        {handler: bytesOf(append([]byte("ID3\x04\x00\x00\x00\x00\x00\x00"), make([]byte, 5000)...)), want: prompt.ErrFormat},
		"no FLAC":       {handler: bytesOf([]byte("fLaC" + strings.Repeat("x", 5000))), want: prompt.ErrFormat},
		"an odd rate":   {handler: bytesOf(wavOf(17, 1, silence)), want: prompt.ErrFormat},
		"too large":     {handler: bytesOf(wavOf(8000, 1, silence)), limits: &prompt.Library{MaxBytes: 5000}, want: prompt.ErrUnreachable},
		"too long":      {handler: bytesOf(wavOf(8000, 1, silence)), limits: &prompt.Library{MaxDuration: 500 * time.Millisecond}, want: prompt.ErrUnreachable},
		"large, unnamed": {handler: func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush() // no length is told
			w.Write(wavOf(8000, 1, silence))
		}, limits: &prompt.Library{MaxBytes: 5000}, want: prompt.ErrUnreachable},
		"says nothing": {handler: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, limits: &prompt.Library{Timeout: 20 * time.Millisecond}, want: prompt.ErrUnreachable},
		"stops speaking": {handler: func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte("RIFF"))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, limits: &prompt.Library{Timeout: 20 * time.Millisecond}, want: prompt.ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			l := c.limits
			if l == nil {
				l = &prompt.Library{}
			}
			library(t, l)
			if c.uri == "" {
				c.uri = serve(t, c.handler).URL
			}
			p := fetch(t, l, c.uri, "id")
			p.Ready(t.Context()) // "too long" has begun
			l.Wait()
			_, err := play(t, p.Source(), media.Rate8k, 200)
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if c.limits == nil && !errors.Is(p.Ready(t.Context()), c.want) {
				t.Errorf("Ready: %v, want %v", p.Ready(t.Context()), c.want)
			}
			if q := fetch(t, l, c.uri, "id"); q == p {
				t.Error("a failure was kept")
			}
		})
	}
}

func TestOnlyTheWeb(t *testing.T) {
	l := library(t, &prompt.Library{})
	for _, uri := range []string{"", "file:///etc/passwd", "/etc/passwd", "ftp://127.0.0.1/a.wav", "http://", "http:a.wav", "http://[::1", "data:audio/wav;base64,AAAA"} {
		if _, err := l.Fetch(t.Context(), uri, ""); !errors.Is(err, prompt.ErrUnreachable) {
			t.Errorf("%q: %v, want ErrUnreachable", uri, err)
		}
	}
}

func TestOneDownloadIsShared(t *testing.T) {
	begin := make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		<-begin
		w.Write(wavOf(8000, 1, tone(8000, 440, 800)))
	})
	l := library(t, &prompt.Library{})
	a, b := fetch(t, l, s.URL, ""), fetch(t, l, s.URL, "")
	close(begin)
	ready(t, a)
	ready(t, b)
	l.Wait()
	if n := s.requests.Load(); n != 1 {
		t.Errorf("%d requests for one file at one time, want 1", n)
	}
	all(t, l, fetch(t, l, s.URL, ""))
	if n := s.requests.Load(); n != 2 {
		t.Errorf("%d requests, want 2: without a cache id nothing is kept", n)
	}
}

func TestACacheIDKeeps(t *testing.T) {
	s := serve(t, bytesOf(wavOf(8000, 1, tone(8000, 440, 800))))
	for name, c := range map[string]struct {
		limits *prompt.Library
		uris   []string
		want   int64
	}{
		"the same":           {uris: []string{"/a", "/a", "/a"}, want: 1},
		"another signature":  {uris: []string{"/a?sig=1", "/a?sig=2"}, want: 1},
		"another file":       {uris: []string{"/a", "/b", "/a"}, want: 2},
		"too old":            {limits: &prompt.Library{CacheTTL: 1}, uris: []string{"/a", "/a"}, want: 2},
		"too much":           {limits: &prompt.Library{CacheBytes: 40_000}, uris: []string{"/a", "/b", "/b", "/a"}, want: 3},
		"more than is there": {limits: &prompt.Library{CacheBytes: 1}, uris: []string{"/a", "/a"}, want: 2},
	} {
		t.Run(name, func(t *testing.T) {
			s.requests.Store(0)
			if c.limits == nil {
				c.limits = &prompt.Library{}
			}
			l := library(t, c.limits)
			for _, uri := range c.uris {
				p := fetch(t, l, s.URL+uri, "greeting")
				all(t, l, p)
				if _, err := play(t, p.Source(), media.Rate8k, 50); err != io.EOF {
					t.Fatal(err)
				}
			}
			if n := s.requests.Load(); n != c.want {
				t.Errorf("%d requests, want %d", n, c.want)
			}
		})
	}
}

func TestNobodyWantsItAnyMore(t *testing.T) {
	arrived, left := make(chan struct{}), make(chan struct{})
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(left)
	})
	l := library(t, &prompt.Library{})
	one, leaveOne := context.WithCancel(t.Context())
	two, leaveTwo := context.WithCancel(t.Context())
	p, err := l.Fetch(one, s.URL, "id")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Fetch(two, s.URL, "id"); err != nil {
		t.Fatal(err)
	}
	<-arrived
	leaveOne()
	if err := p.Ready(one); !errors.Is(err, context.Canceled) {
		t.Errorf("Ready: %v", err)
	}
	select {
	case <-left:
		t.Fatal("given up while somebody wants it")
	default:
	}
	leaveTwo()
	<-left
	if err := p.Ready(t.Context()); !errors.Is(err, prompt.ErrUnreachable) {
		t.Errorf("Ready: %v", err)
	}
}

func TestACloseGivesUp(t *testing.T) {
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	l := &prompt.Library{}
	p := fetch(t, l, s.URL, "")
	l.Close()
	if err := p.Ready(t.Context()); !errors.Is(err, prompt.ErrUnreachable) {
		t.Errorf("Ready: %v", err)
	}
	if _, err := l.Fetch(t.Context(), s.URL, ""); !errors.Is(err, prompt.ErrUnreachable) {
		t.Errorf("Fetch: %v", err)
	}
}

func TestVoicesAreSources(t *testing.T) {
	for _, rate := range []int{8000, 44100} {
		l := library(t, &prompt.Library{})
		p := fetch(t, l, serve(t, bytesOf(wavOf(rate, 1, tone(rate, 440, rate)))).URL, "")
		all(t, l, p)
		mediatest.TestSource(t, p.Source)
		mediatest.TestSource(t, p.Looped)
	}
}
