package call_test

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/internal/leg/legtest"
	"github.com/tipring/tipring/media"
)

// farEnd does what a caller does, or says what a caller notices.
func (s *stage) farEnd(l *legtest.Leg, ear *earwitness, words []string) error {
	var what string
	if len(words) > 1 {
		what = words[1]
	}
	switch words[0] {
	case "hears":
		return s.hears(ear, what, words[2:])
	case "ends":
		within := time.After(duration(words[len(words)-1]) + media.Period)
		select {
		case <-l.Ended():
		case <-within:
			return errors.New("the leg has not ended")
		}
		if got := l.End().Cause; got != cause(words[2]) {
			return fmt.Errorf("ended with %v", got)
		}
		return nil
	}
	if i := len(words) - 2; i >= 0 && words[i] == "after" {
		s.wait(duration(words[i+1]))
	}
	switch words[0] {
	case "presses":
		l.Press(what)
	case "dials":
		l.Say(dtmf.Tones(what, 100*time.Millisecond, 100*time.Millisecond, -10))
	case "says":
		l.Say(prompts2source(what))
	case "picks":
		l.PickUp()
	case "refuses":
		l.Refuse(cause(what))
	case "accepts":
		l.Transferred(true, 0)
	case "fails":
		l.Transferred(false, cause(what))
	case "rings":
		select {
		case <-l.Answered():
			return errors.New("has been answered")
		default:
		}
	case "stays":
		select {
		case <-l.Ended():
			return errors.New("has ended")
		default:
		}
	case "got":
		if got := l.Sent(); got != what {
			return fmt.Errorf("got %q", got)
		}
	case "sent-to":
		if got := l.Handed(); got != "8:acs:"+what && (got != "" || what != "nobody") {
			return fmt.Errorf("was sent to %q", got)
		}
	case "hangs":
		l.HangupByFarEnd()
	case "cancels":
		l.Cancel()
	case "vanishes":
		l.Lose()
	default:
		return fmt.Errorf("no such verb")
	}
	return nil
}

// hears waits until a caller hears something, for a time if so said.
func (s *stage) hears(ear *earwitness, what string, words []string) error {
	want, limit, lasting := 0, time.Second, time.Duration(0)
	if what != "silence" {
		want = number(strings.TrimSuffix(what, "Hz"))
	}
	if len(words) == 2 && words[0] == "within" {
		limit = duration(words[1])
	}
	if len(words) == 2 && words[0] == "for" {
		lasting = duration(words[1])
	}
	from := ear.count()
	frames := int(limit / media.Period)
	for ear.since(from, want) < 0 {
		if ear.count() > from+frames+1 {
			return fmt.Errorf("not within %v: %v", limit, ear.last(frames+5))
		}
		<-s.beat.C
	}
	first := from + ear.since(from, want)
	for ear.count() < first+int(lasting/media.Period) {
		<-s.beat.C
	}
	if i := ear.other(first, first+int(lasting/media.Period), want); i >= 0 {
		return fmt.Errorf("heard something else after %v", time.Duration(i-first)*media.Period)
	}
	return nil
}
