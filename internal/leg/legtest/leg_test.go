package legtest_test

import (
	"context"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/leg/legtest"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/mediatest"
)

var call = leg.Call{
	From: leg.Party{ID: "4:+15550100", Display: "Alice"},
	To:   leg.Party{ID: "8:acs:desk"},
}

// events is what has happened to a leg that is over.
func events(l *legtest.Leg) []leg.Event {
	var all []leg.Event
	for e := range l.Events() {
		all = append(all, e)
	}
	return all
}

func answered(t *testing.T) *legtest.Leg {
	t.Helper()
	l := legtest.New(call)
	if err := l.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLivesOfALeg(t *testing.T) {
	ended := func(c leg.Cause, far bool) leg.Event { return leg.Ended{Cause: c, ByFarEnd: far} }
	for _, test := range []struct {
		name string
		out  bool
		live func(l *legtest.Leg)
		want []leg.Event
	}{
		{"answered, and the far end hangs up", false, func(l *legtest.Leg) {
			l.Answer(context.Background())
			l.HangupByFarEnd()
		}, []leg.Event{leg.Answered{}, ended(leg.Normal, true)}},
		{"answered, and we hang up", false, func(l *legtest.Leg) {
			l.Answer(context.Background())
			l.Hangup(context.Background(), leg.Normal)
			l.Hangup(context.Background(), leg.Failed)
			l.HangupByFarEnd()
		}, []leg.Event{leg.Answered{}, ended(leg.Normal, false)}},
		{"canceled", false, func(l *legtest.Leg) { l.Cancel() }, []leg.Event{ended(leg.Canceled, true)}},
		{"canceled too late", false, func(l *legtest.Leg) {
			l.Answer(context.Background())
			l.Cancel()
			l.HangupByFarEnd()
		}, []leg.Event{leg.Answered{}, ended(leg.Normal, true)}},
		{"rejected", false, func(l *legtest.Leg) { l.Hangup(context.Background(), leg.Busy) },
			[]leg.Event{ended(leg.Busy, false)}},
		{"held and taken back", false, func(l *legtest.Leg) {
			l.Answer(context.Background())
			l.Hold(true)
			l.Hold(false)
			l.Close()
		}, []leg.Event{leg.Answered{}, leg.Held{On: true}, leg.Held{}, ended(leg.Failed, false)}},
		{"dialled, and picked up", true, func(l *legtest.Leg) {
			l.Ring()
			l.PickUp()
			l.Lose()
			l.Ring()
		}, []leg.Event{leg.Ringing{}, leg.Answered{}, ended(leg.MediaTimeout, true)}},
		{"dialled, and refused", true, func(l *legtest.Leg) { l.Ring(); l.Refuse(leg.Declined) },
			[]leg.Event{leg.Ringing{}, ended(leg.Declined, true)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := legtest.New(call)
			want := call.From
			if test.out {
				l, want = legtest.Outgoing(call), call.To
			}
			if l.Party() != want || l.Call().From != call.From {
				t.Errorf("party %v of %v, want %v", l.Party(), l.Call(), want)
			}
			test.live(l)
			if got := events(l); !slices.Equal(got, test.want) {
				t.Errorf("events %v, want %v", got, test.want)
			}
			<-l.Ended()
			if last := test.want[len(test.want)-1]; l.End() != last {
				t.Errorf("end %v, want %v", l.End(), last)
			}
		})
	}
}

func TestAnswerFailsWhenSettled(t *testing.T) {
	l := answered(t)
	if err := l.Answer(t.Context()); err == nil {
		t.Error("answered twice")
	}
	l = legtest.New(call)
	l.Cancel()
	if err := l.Answer(t.Context()); err == nil {
		t.Error("answered after CANCEL")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := legtest.New(call).Answer(ctx); err == nil {
		t.Error("answered with a context that is done")
	}
}

func TestSoundFlowsFromTheAnswerToTheEnd(t *testing.T) {
	l := legtest.New(call)
	l.Say(mediatest.Tone(440, -10, 0))
	f, out := media.Frame{Rate: media.Rate8k}, media.Frame{Rate: media.Rate8k}
	tick := func() int {
		t.Helper()
		f.Tick++
		n, err := l.Read(&f)
		if err != nil {
			t.Fatal(err)
		}
		out.PCM()[0] = int16(f.Tick)
		if err := l.Write(&out); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if tick() != 0 || l.Ticks() != 0 {
		t.Error("sound before the answer")
	}
	l.Answer(t.Context())
	var heard int
	l.Hear(func(*media.Frame) { heard++ })
	if tick() != 160 || l.Ticks() != 1 || heard != 1 {
		t.Error("no sound after the answer")
	}
	l.HangupByFarEnd()
	if tick() != 0 || l.Ticks() != 1 {
		t.Error("sound after the end")
	}
	l.Close()
	if _, err := l.Read(&f); err != io.EOF {
		t.Errorf("Read after Close: %v, want io.EOF", err)
	}
	if err := l.Write(&f); err == nil {
		t.Error("Write after Close succeeds")
	}
}

func TestHeardIsBounded(t *testing.T) {
	l := answered(t)
	f := media.Frame{Rate: media.Rate16k}
	for range 3 {
		l.Write(&f)
	}
	f.Rate = media.Rate8k
	for f.Tick = range 1000 {
		f.PCM()[0] = int16(f.Tick)
		l.Write(&f)
		if f.Tick == 1 {
			if got := l.Heard(time.Second); len(got) != 2*160 {
				t.Errorf("%d samples at 8 kHz after the change of rate, want 320", len(got))
			}
		}
	}
	if got := l.Heard(time.Minute); len(got) != int(legtest.Memory/media.Period)*160 || got[0] != 500 {
		t.Errorf("%d samples from tick %d on, want the last %v", len(got), got[0], legtest.Memory)
	}
	if got := l.Heard(40 * time.Millisecond); len(got) != 320 || got[0] != 998 || got[160] != 999 {
		t.Errorf("%d samples, want those of ticks 998 and 999", len(got))
	}
}

func TestKeys(t *testing.T) {
	l := answered(t)
	f := media.Frame{Rate: media.Rate8k, Tick: 7}
	l.Press("5#")
	l.Inform("A")
	l.Read(&f)
	want := []dtmf.Digit{{Symbol: '5', Way: dtmf.Event, Tick: 7}, {Symbol: '#', Way: dtmf.Event, Tick: 7}, {Symbol: 'A', Way: dtmf.Info, Tick: 7}}
	var got []dtmf.Digit
	for d, ok := l.NextDigit(); ok; d, ok = l.NextDigit() {
		got = append(got, d)
	}
	if !slices.Equal(got, want) {
		t.Errorf("digits %v, want %v", got, want)
	}
}

func TestSendDigits(t *testing.T) {
	l := answered(t)
	l.SendDigits("12")
	l.SendDigits("3")
	for range 3 * legtest.DigitTicks {
		l.Read(&media.Frame{Rate: media.Rate8k})
	}
	l.SendDigits("x")
	l.StopDigits()
	l.SendDigits("4")
	l.HangupByFarEnd()
	l.SendDigits("5")
	got := events(l)
	if len(got) != 6 || got[1] != (leg.DigitsSent{}) || got[2] != (leg.DigitsSent{}) || l.Sent() != "123x4" {
		t.Fatalf("events %v and digits %q", got, l.Sent())
	}
	for i, what := range []string{"that were stopped", "that the end cut off"} {
		if sent, ok := got[3+i].(leg.DigitsSent); !ok || sent.Err == nil {
			t.Errorf("event %v, want the digits %s", got[3+i], what)
		}
	}
}

// TestBothEndsAtOnce is for the race detector.
func TestBothEndsAtOnce(t *testing.T) {
	l := answered(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		f := media.Frame{Rate: media.Rate8k}
		for f.Tick = range 2000 {
			l.Read(&f)
			l.NextDigit()
			l.Write(&f)
		}
	}()
	for range 100 {
		l.Say(mediatest.Tone(440, -10, time.Second))
		l.Press("1")
		l.Heard(time.Second)
		l.SetRate(media.Rate16k)
		l.Rate()
	}
	l.HangupByFarEnd()
	<-done
}
