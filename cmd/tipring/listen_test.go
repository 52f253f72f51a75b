package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/mediatest"
	"github.com/tipring/tipring/media/wav"
	"github.com/tipring/tipring/stream"
)

// listening is a tipring listen that runs.
type listening struct {
	dir, url string
	end      func() (printed string) // as SIGINT does
}

func startListening(t *testing.T, echo bool) *listening {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &listening{dir: filepath.Join(t.TempDir(), "streams"), url: "ws://" + listener.Addr().String() + "/any/path"}
	cmd := &listenCmd{Out: l.dir, Echo: echo}
	ctx, cancel := context.WithCancel(context.Background())
	var printed bytes.Buffer
	ran := make(chan error, 1)
	go func() { ran <- cmd.serve(ctx, listener, &printed) }()
	l.end = sync.OnceValue(func() string {
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		return printed.String()
	})
	t.Cleanup(func() { l.end() })
	return l
}

// sound reads a file that listen wrote.
func (l *listening) sound(t *testing.T, name string) mediatest.Sound {
	t.Helper()
	f, err := os.Open(filepath.Join(l.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := wav.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	s := mediatest.Sound{Rate: r.Format().Rate}
	for buf := make([]int16, 4096); ; {
		n, err := r.ReadSamples(buf)
		s.PCM = append(s.PCM, buf[:n]...)
		if err == io.EOF {
			return s
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func wants(t *testing.T, printed string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(printed, line) {
			t.Errorf("it does not say %q:\n%s", line, printed)
		}
	}
}

func TestListenKeepsEachVoice(t *testing.T) {
	defer goleak.VerifyNone(t)
	l := startListening(t, false)
	ctx, stop := context.WithCancel(context.Background())
	s := stream.NewSession(stream.Options{
		URL: l.url, Connection: "conn-1", Subscription: "sub-1", Digits: true, Started: stop,
	})
	voices := map[string]media.Source{"4:+15550100": mediatest.Tone(440, -10, 0), "8:acs:bob": mediatest.Silence(0)}
	for who, voice := range voices {
		tap, f := s.Tap(who), media.Frame{Rate: media.Rate16k}
		for f.Tick = range 100 {
			media.Pull(voice, &f)
			tap.Write(&f)
		}
	}
	s.Digit("8:acs:bob", '#')
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
	printed := l.end()
	wants(t, printed, "conn-1: connected", "16000 Hz, 640 bytes a frame, subscription sub-1", "conn-1: digit #",
		"4:+15550100: 2s, 100 frames, 0 gaps", "8:acs:bob: 2s, 100 frames, 0 gaps", " dBFS", "conn-1: ended\n")
	tone := l.sound(t, "conn-1-4_+15550100.wav")
	if hz := tone.Frequency(); len(tone.PCM) != 32000 || hz < 439 || hz > 441 || len(tone.PhaseJumps(440)) > 0 {
		t.Errorf("%d samples of %.1f Hz", len(tone.PCM), hz)
	}
	if silence := l.sound(t, "conn-1-8_acs_bob.wav"); len(silence.PCM) != 32000 || silence.Peak() != 0 {
		t.Errorf("%d samples, peak %d", len(silence.PCM), silence.Peak())
	}
}

func TestListenSeesGapsAndWords(t *testing.T) {
	defer goleak.VerifyNone(t)
	l := startListening(t, false)
	ws, _, err := websocket.DefaultDialer.Dial(l.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	say := func(b []byte) {
		if err := ws.WriteMessage(websocket.TextMessage, b); err != nil {
			t.Error(err)
		}
	}
	say(stream.AppendMetadata(nil, stream.Metadata{Rate: media.Rate24k, Length: 960}))
	for _, n := range []int{0, 1, 2, 7, 8, 1000} { // 3 … 6 are missing; the last gap is too long to be filled
		say(stream.AppendAudio(nil, stream.Audio{Time: at.Add(time.Duration(n) * media.Period), Participant: `../../e"v/il`, PCM: make([]int16, 480)}))
	}
	say([]byte("nonsense"))
	say([]byte(`{"kind":"TranscriptionMetadata","transcriptionMetadata":{"locale":"en-US"}}`))
	say([]byte(`{"kind":"TranscriptionData","transcriptionData":{"text":"hello world","participantRawID":"4:+1","resultStatus":"Final"}}`))
	say([]byte(`{"kind":"TranscriptionData","transcriptionData":{"text":"hello","participantRawID":"4:+1","resultStatus":"Intermediate"}}`))
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	ws.WriteControl(websocket.CloseMessage, bye, time.Now().Add(time.Second))
	ws.ReadMessage() // their goodbye
	wants(t, l.end(), "2 gaps", "stream: malformed frame", "1 malformed", "transcription in en-US", "4:+1 says: hello world\n", "4:+1 says: hello…\n")
	if s := l.sound(t, "stream-1-_.._e_v_il.wav"); s.Rate != 24000 || len(s.PCM) != 10*480 {
		t.Errorf("%d samples at %d Hz, want 10 frames: 6 heard, 4 filled", len(s.PCM), s.Rate)
	}
}

func TestListenEchoes(t *testing.T) {
	defer goleak.VerifyNone(t)
	l := startListening(t, true)
	in := stream.NewInlet(stream.InletOptions{Lead: -1})
	s := stream.NewSession(stream.Options{URL: l.url, Inlet: in, Mixed: true})
	tap, f := s.Tap(""), media.Frame{Rate: media.Rate16k}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- s.Run(ctx) }()
	f.PCM()[7] = 1234
	tap.Write(&f)
	heard := media.Frame{Rate: media.Rate16k}
	for heard.PCM()[7] != 1234 {
		media.Pull(in, &heard)
	}
	cancel()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	wants(t, l.end(), "mixed: 20ms, 1 frames")
}

func TestListenIsInterruptedInMidStream(t *testing.T) {
	defer goleak.VerifyNone(t)
	l := startListening(t, true)
	in := stream.NewInlet(stream.InletOptions{Lead: -1})
	s := stream.NewSession(stream.Options{URL: l.url, Connection: "c", Inlet: in})
	tap, f := s.Tap("a"), media.Frame{Rate: media.Rate16k}
	ran := make(chan error, 1)
	go func() { ran <- s.Run(context.Background()) }()
	f.PCM()[0] = 99
	for f.Tick = range 30 {
		tap.Write(&f)
	}
	heard := media.Frame{Rate: media.Rate16k}
	for heard.PCM()[0] != 99 { // the echo of the first: it has been taken in
		media.Pull(in, &heard)
	}
	printed := l.end()
	if err := <-ran; err == nil {
		t.Error("the stream was not told")
	}
	wants(t, printed, "c: ended\n")
	if sound := l.sound(t, "c-a.wav"); len(sound.PCM) < 320 || sound.PCM[0] != 99 {
		t.Errorf("the file has %d samples", len(sound.PCM))
	}
}

func TestListenNeverWritesOverAFile(t *testing.T) {
	dir := t.TempDir()
	for _, want := range []string{"c-mixed.wav", "c-mixed-2.wav", "c-mixed-3.wav"} {
		v, err := newVoice(dir, "c", "", media.Rate16k)
		if err != nil {
			t.Fatal(err)
		}
		if got := filepath.Base(v.file.Name()); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if err := v.close(); err != nil {
			t.Error(err)
		}
	}
}
