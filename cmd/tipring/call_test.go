package main

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/sip"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/mediatest"
	"github.com/tipring/tipring/media/metronome"
	"github.com/tipring/tipring/media/room"
	"github.com/tipring/tipring/media/rtp"
	"github.com/tipring/tipring/media/wav"
)

// An exchange answers calls with a tone, and notes the keys that it hears.
type exchange struct {
	*sip.Server
	keys chan byte
	from chan leg.Party
	take func(context.Context, leg.Incoming) // answers; nil: answer, play a tone
}

func startExchange(t *testing.T, take func(context.Context, leg.Incoming)) *exchange {
	t.Helper()
	ip := netip.MustParseAddr("127.0.0.1")
	x := &exchange{keys: make(chan byte, 16), from: make(chan leg.Party, 1), take: take}
	x.Server = &sip.Server{Addr: "127.0.0.1:0", OpenLoopback: true, Ports: &rtp.Ports{IP: ip}, OnIncoming: x.incoming}
	if err := x.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan struct{})
	go func() { defer close(ran); x.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ran })
	return x
}

func (x *exchange) incoming(ctx context.Context, l leg.Incoming) {
	x.from <- l.Party()
	if x.take != nil {
		x.take(ctx, l)
		return
	}
	clock := metronome.New(metronome.Config{Workers: 1})
	life, end := context.WithCancel(ctx)
	ran := make(chan struct{})
	go func() { defer close(ran); clock.Run(life) }()
	defer func() { end(); <-ran; l.Close() }()
	if l.Answer(ctx) != nil {
		return
	}
	r := room.New()
	r.Plug(&room.Port{Peer: l, Play: mediatest.Tone(440, -10, 0)})
	clock.Add(r)
	for {
		select {
		case _, open := <-l.Events():
			if !open {
				return
			}
		case <-r.Notices().C():
			for n, ok := r.Notices().Next(); ok; n, ok = r.Notices().Next() {
				if n.Kind == room.Digit {
					x.keys <- n.Digit.Symbol
				}
			}
		}
	}
}

func TestCall(t *testing.T) {
	defer goleak.VerifyNone(t)
	t.Run("", func(t *testing.T) {
		x := startExchange(t, nil)
		dir := t.TempDir()
		say, record := filepath.Join(dir, "say.wav"), filepath.Join(dir, "heard.wav")
		writeTone(t, say)
		var out bytes.Buffer
		c := callCmd{Target: "+15550199", Server: x.LocalAddr().String(), From: "+15550101", Say: say, DTMF: "5", Record: record, Codec: "PCMA", For: 900 * time.Millisecond}
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		if err := c.place(t.Context(), &out); err != nil {
			t.Fatalf("%v\n%s", err, &out)
		}
		if p := <-x.from; p.ID != "4:+15550101" {
			t.Errorf("called from %v", p)
		}
		if k := <-x.keys; k != '5' {
			t.Errorf("heard key %c", k)
		}
		for _, want := range []string{"answered", "pressed 5", "said " + say, "we hung up", "Talked for"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("no %q in\n%s", want, &out)
			}
		}
		if p := power(t, record); p < -20 {
			t.Errorf("the recording has %.1f dB of the tone", p)
		}
	})
}

func writeTone(t *testing.T, name string) {
	t.Helper()
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w, err := wav.NewWriter(file, wav.Format{Rate: 16000, Channels: 1})
	if err != nil {
		t.Fatal(err)
	}
	f, tone := media.Frame{Rate: media.Rate16k}, mediatest.Tone(1000, -10, 0)
	for range 10 {
		media.Pull(tone, &f)
		w.WriteMono(f.PCM())
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// power is how much of 440 Hz a file has.
func power(t *testing.T, name string) float64 {
	t.Helper()
	voice, err := openVoice(name)
	if err != nil {
		t.Fatal(err)
	}
	var heard mediatest.Capture
	f := media.Frame{Rate: media.Rate8k}
	for range 30 {
		media.Pull(voice, &f)
		heard.Write(&f)
		f.Tick++
	}
	return heard.Power(440)
}

func TestCallNotAnswered(t *testing.T) {
	x := startExchange(t, func(ctx context.Context, l leg.Incoming) { l.Hangup(ctx, leg.Busy) })
	var out bytes.Buffer
	c := callCmd{Target: "alice", Server: x.LocalAddr().String()}
	if err := c.place(t.Context(), &out); !errors.Is(err, errNotAnswered) || !strings.Contains(out.String(), "not answered: busy") {
		t.Errorf("%v\n%s", err, &out)
	}
}

func TestCallInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	x := startExchange(t, func(context.Context, leg.Incoming) { interrupt() })
	var out bytes.Buffer
	c := callCmd{Target: "sip:alice@example.com", Server: x.LocalAddr().String()}
	if err := c.place(ctx, &out); !errors.Is(err, errNotAnswered) || !strings.Contains(out.String(), "given up") {
		t.Errorf("%v\n%s", err, &out)
	}
}

func TestCallFlags(t *testing.T) {
	for name, c := range map[string]callCmd{
		"codec":  {Server: "a:1", Codec: "G729"},
		"dtmf":   {Server: "a:1", DTMF: "12x"},
		"server": {Server: "a"},
	} {
		if c.Validate() == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
