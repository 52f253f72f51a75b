package stream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/mediatest"
	"github.com/tipring/tipring/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestNothingIsMissing(t *testing.T) {
	const ticks = 300
	c := newCollector()
	began := time.Date(2026, 11, 22, 10, 0, 0, 123_456_789, time.UTC)
	started := make(chan struct{})
	s := stream.NewSession(stream.Options{
		URL: listener(t, c.serve), Connection: "conn-1", Correlation: "corr-1", Authorization: "Bearer x",
		Subscription: "sub-1", Digits: true, Began: began, Patience: 10 * time.Second,
		Started: func() { close(started) },
	})
	who := []string{"4:+15550100", "8:acs:bob"}
	taps := []*stream.Tap{s.Tap(who[0]), s.Tap(who[1])}
	write := func(from, to uint64) {
		for tick := from; tick < to; tick++ {
			for i, tap := range taps {
				if err := tap.Write(frame(media.Rate16k, tick, int16(int(tick)*10+i))); err != nil {
					t.Error(err)
				}
			}
		}
	}
	write(50, 150) // before it is connected
	stop := run(t, s)
	<-started
	write(150, 50+ticks)
	c.wait(t, func() bool { return len(c.audio[who[1]]) == ticks })
	s.Digit(who[0], '1')
	s.Digit(who[0], '#')
	c.wait(t, func() bool { return len(c.digits) == 2 })
	if err := stop(); err != nil {
		t.Errorf("a stopped session: %v", err)
	}
	if err := <-c.ended; err != nil {
		t.Errorf("the listener was not told goodbye: %v", err)
	}

	if len(c.meta) != 1 || c.meta[0] != (stream.Metadata{Subscription: "sub-1", Rate: media.Rate16k, Length: 640}) {
		t.Errorf("metadata %+v", c.meta)
	}
	if _, first := c.order[0].(stream.Metadata); !first {
		t.Errorf("the first frame is %T", c.order[0])
	}
	if c.headers.Get("x-ms-call-connection-id") != "conn-1" || c.headers.Get("x-ms-call-correlation-id") != "corr-1" || c.headers.Get("Authorization") != "Bearer x" {
		t.Errorf("headers %v", c.headers)
	}
	if c.digits != "1#" {
		t.Errorf("digits %q", c.digits)
	}
	for i, who := range who {
		if n := len(c.audio[who]); n != ticks {
			t.Errorf("%s: %d frames, want %d", who, n, ticks)
			continue
		}
		for n, a := range c.audio[who] {
			tick := n + 50
			at := began.Truncate(time.Millisecond).Add(time.Duration(tick) * media.Period)
			if !a.Time.Equal(at) || len(a.PCM) != 320 || a.PCM[0] != int16(tick*10+i) || a.PCM[319] != a.PCM[0] || a.Silent {
				t.Fatalf("%s: frame %d is %v, %d samples of %d", who, n, a.Time, len(a.PCM), a.PCM[0])
			}
		}
	}
}

func TestStreamAtAnotherRateThanTheRoom(t *testing.T) {
	c := newCollector()
	started := make(chan struct{})
	s := stream.NewSession(stream.Options{URL: listener(t, c.serve), Rate: media.Rate24k, Started: func() { close(started) }})
	tap, voice, f := s.Tap("a"), mediatest.Tone(440, -10, 0), media.Frame{Rate: media.Rate8k}
	stop := run(t, s)
	for range 100 {
		media.Pull(voice, &f)
		tap.Write(&f)
		f.Tick++
	}
	<-started // else it could be stopped before it is connected
	stop()
	<-c.ended
	heard := mediatest.Sound{Rate: 24000}
	for _, a := range c.audio["a"] {
		heard.PCM = append(heard.PCM, a.PCM...)
	}
	if len(heard.PCM) != 2*24000 || c.meta[0].Length != 960 {
		t.Errorf("%d samples, %+v", len(heard.PCM), c.meta[0])
	}
	if hz := heard.Frequency(); hz < 439.5 || hz > 440.5 {
		t.Errorf("440 Hz became %.2f", hz)
	}
	if jumps := heard.PhaseJumps(440); len(jumps) > 0 {
		t.Errorf("phase jumps: %v", jumps)
	}
}

func TestMixedNamesNobody(t *testing.T) {
	frames := make(chan string, 10)
	s := stream.NewSession(stream.Options{Mixed: true, URL: listener(t, func(w http.ResponseWriter, r *http.Request) {
		ws, err := new(websocket.Upgrader).Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer ws.Close()
		for {
			kind, text, err := ws.ReadMessage()
			if err != nil {
				return
			}
			if kind != websocket.TextMessage {
				t.Errorf("a frame of type %d, want text", kind)
			}
			frames <- string(text)
		}
	})})
	s.Tap("anyone").Write(frame(media.Rate16k, 0, 0))
	run(t, s)
	<-frames // metadata
	if text := <-frames; strings.Contains(strings.ToLower(text), "participant") || !strings.Contains(text, `"silent":true`) {
		t.Errorf("mixed audio is %.200s", text)
	}
}

func TestSkippedTicksAreFilledWithSilence(t *testing.T) {
	c := newCollector()
	s := stream.NewSession(stream.Options{URL: listener(t, c.serve)})
	tap := s.Tap("a")
	for _, tick := range []uint64{7, 8, 12, 13} {
		tap.Write(frame(media.Rate16k, tick, 99))
	}
	run(t, s)
	c.wait(t, func() bool { return len(c.audio["a"]) == 7 })
	for i, a := range c.audio["a"] {
		if made := i >= 2 && i < 5; a.Silent != made || (a.PCM[0] == 0) != made {
			t.Errorf("frame %d: silent %v, sample %d", i, a.Silent, a.PCM[0])
		}
		if gap := a.Time.Sub(c.audio["a"][0].Time); gap != time.Duration(i)*media.Period {
			t.Errorf("frame %d is %v after the first", i, gap)
		}
	}
}

func TestAParticipantMayLeave(t *testing.T) {
	c := newCollector()
	s := stream.NewSession(stream.Options{URL: listener(t, c.serve)})
	a, b := s.Tap("a"), s.Tap("b")
	a.Write(frame(media.Rate16k, 1, 99))
	a.Close()
	if err := a.Write(frame(media.Rate16k, 2, 99)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a closed tap: %v", err)
	}
	stop := run(t, s)
	c.wait(t, func() bool { return len(c.audio["a"]) == 1 }) // what it held is sent
	b.Write(frame(media.Rate16k, 2, 99))
	c.wait(t, func() bool { return len(c.audio["b"]) == 1 })
	stop()
	if err := b.Write(frame(media.Rate16k, 3, 99)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a tap of a session that is over: %v", err)
	}
}

func TestStopSendsWhatIsLeft(t *testing.T) {
	c := newCollector()
	started := make(chan struct{})
	s := stream.NewSession(stream.Options{URL: listener(t, c.serve), Digits: true, Started: func() { close(started) }})
	tap := s.Tap("a")
	stop := run(t, s)
	<-started
	for tick := range uint64(100) {
		tap.Write(frame(media.Rate16k, tick, 1))
	}
	s.Digit("a", '5')
	if err := stop(); err != nil {
		t.Error(err)
	}
	if err := <-c.ended; err != nil || len(c.audio["a"]) != 100 || c.digits != "5" {
		t.Errorf("%v, %d frames, digits %q", err, len(c.audio["a"]), c.digits)
	}
}

func TestBroken(t *testing.T) {
	for name, leave := range map[string]func(*websocket.Conn){
		"without a word": func(ws *websocket.Conn) { ws.NetConn().Close() },
		"in order": func(ws *websocket.Conn) {
			ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""), time.Now().Add(time.Second))
			ws.Close()
		},
		"with nonsense": func(ws *websocket.Conn) { ws.NetConn().Write([]byte{0xff, 0xff, 0xff}); ws.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			s := stream.NewSession(stream.Options{URL: listener(t, func(w http.ResponseWriter, r *http.Request) {
				ws, err := new(websocket.Upgrader).Upgrade(w, r, nil)
				if err != nil {
					t.Error(err)
					return
				}
				ws.ReadMessage()
				leave(ws)
			})})
			if err := s.Run(t.Context()); !errors.Is(err, stream.ErrBroken) {
				t.Errorf("got %v, want ErrBroken", err)
			}
		})
	}
}

func TestAPeerThatStopsReading(t *testing.T) {
	done := make(chan struct{})
	var set metric.Set
	s := stream.NewSession(stream.Options{
		Timeout: 200 * time.Millisecond, Patience: 100 * time.Millisecond, Counters: &set,
		URL: listener(t, func(w http.ResponseWriter, r *http.Request) {
			ws, err := new(websocket.Upgrader).Upgrade(w, r, nil)
			if err != nil {
				t.Error(err)
				return
			}
			<-done
			ws.Close()
		}),
	})
	tap := s.Tap("a")
	result := make(chan error, 1)
	go func() { result <- s.Run(context.Background()) }()
	for tick := uint64(0); ; tick++ {
		if tap.Write(frame(media.Rate16k, tick, 1)) != nil {
			break // the session gave up
		}
	}
	close(done)
	if err := <-result; !errors.Is(err, stream.ErrBroken) {
		t.Errorf("got %v, want ErrBroken", err)
	}
	if tap.Dropped() == 0 {
		t.Error("nothing was dropped")
	}
}

func TestTheWayBack(t *testing.T) {
	var set metric.Set
	in := stream.NewInlet(stream.InletOptions{Lead: -1})
	said := make(chan struct{})
	s := stream.NewSession(stream.Options{
		Inlet: in, LargestFrame: 2000, Counters: &set,
		URL: listener(t, func(w http.ResponseWriter, r *http.Request) {
			c, err := stream.Accept(w, r)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			ws := func(text string) { stream.SendRaw(c, text) }
			c.Send(constant(1, 320))
			c.StopAudio()
			ws("garbage")
			ws(`{"kind":"AudioData"}`)
			ws(`{"kind":"AudioMetadata","audioMetadata":{"sampleRate":16000}}`)
			c.Send(constant(2, 4000)) // longer than the largest frame
			ws(fmt.Sprintf(`{"Kind":"AudioData","AudioData":{"Data":"%s"},"StopAudio":{}}`, base64Of(constant(3, 320))))
			close(said)
			for err == nil {
				_, err = c.Next()
			}
		}),
	})
	stop := run(t, s)
	<-said
	f := media.Frame{Rate: media.Rate16k}
	for f.PCM()[0] != 3 { // what was stopped may have been heard before
		if media.Pull(in, &f); f.PCM()[0] == 2 {
			t.Fatal("heard what was too long")
		}
	}
	for reason, want := range map[string]uint64{"malformed": 3, "too long": 1} {
		if n := set.Counter("stream_inbound_dropped_total", "reason", reason, "").Value(); n != want {
			t.Errorf("%s: counted %d, want %d", reason, n, want)
		}
	}
	stop()
	for ticks := 0; ; ticks++ {
		if _, err := in.Read(&f); err == io.EOF {
			break
		}
		if ticks == 10 {
			t.Fatal("after the session the inlet does not end")
		}
	}
}

func TestTapsAreSinks(t *testing.T) {
	mediatest.TestSink(t, func() media.Sink {
		return stream.NewSession(stream.Options{URL: "ws://127.0.0.1:1/"}).Tap("a")
	})
}
