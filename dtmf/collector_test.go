package dtmf_test

import (
	"testing"
	"time"

	"github.com/tipring/tipring/dtmf"
)

func TestCollector(t *testing.T) {
	zero := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	config := dtmf.Collector{MaxTones: 4, StopTones: "#*", InterTone: 2 * time.Second, InitialSilence: 5 * time.Second}
	type step struct {
		at   time.Duration
		what byte // a digit; 's' the prompt ends
	}
	for _, tt := range []struct {
		name  string
		c     dtmf.Collector
		steps []step
		want  dtmf.Result
		ends  time.Duration // when; -1 never
	}{
		{"enough digits", config, []step{{1, 's'}, {2, '1'}, {3, '2'}, {4, '3'}, {5, '4'}}, dtmf.Result{Digits: "1234", Reason: dtmf.MaxDigits}, 5 * time.Second},
		{"a stop tone is part of them", config, []step{{1, 's'}, {2, '5'}, {3, '6'}, {4, '#'}}, dtmf.Result{Digits: "56#", Reason: dtmf.StopDigit}, 4 * time.Second},
		{"a stop tone as the last of them", config, []step{{1, 's'}, {2, '5'}, {3, '6'}, {4, '7'}, {5, '*'}}, dtmf.Result{Digits: "567*", Reason: dtmf.StopDigit}, 5 * time.Second},
		{"a stop tone at once", config, []step{{1, 's'}, {2, '#'}}, dtmf.Result{Digits: "#", Reason: dtmf.StopDigit}, 2 * time.Second},
		{"nothing", config, []step{{1, 's'}}, dtmf.Result{Reason: dtmf.InitialSilence}, 6 * time.Second},
		{"the prompt's length does not count", config, []step{{100, 's'}}, dtmf.Result{Reason: dtmf.InitialSilence}, 105 * time.Second},
		{"too slow", config, []step{{1, 's'}, {4, '1'}, {5, '2'}}, dtmf.Result{Digits: "12", Reason: dtmf.InterDigit}, 7 * time.Second},
		{"during the prompt: it counts, and waits for the end", config, []step{{1, '1'}, {20, 's'}}, dtmf.Result{Digits: "1", Reason: dtmf.InterDigit}, 22 * time.Second},
		{"all during the prompt", config, []step{{1, '1'}, {2, '2'}, {3, '3'}, {4, '4'}, {5, '5'}}, dtmf.Result{Digits: "1234", Reason: dtmf.MaxDigits}, 4 * time.Second},
		{"the prompt does not end", config, []step{{1, '1'}}, dtmf.Result{Digits: "1"}, -1},
		{"lower case, and what is no digit", config, []step{{1, 's'}, {2, 'a'}, {3, 'x'}, {3, 0}}, dtmf.Result{Digits: "A", Reason: dtmf.InterDigit}, 4 * time.Second},
		{"no limits at all", dtmf.Collector{}, []step{{1, 's'}, {2, '1'}, {900, '#'}}, dtmf.Result{Digits: "1#"}, -1},
		{"Start twice", config, []step{{1, 's'}, {4, 's'}}, dtmf.Result{Reason: dtmf.InitialSilence}, 6 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, ended := tt.c, time.Duration(-1)
			for _, s := range append(tt.steps, step{10000, 'e'}) {
				now := zero.Add(s.at * time.Second)
				if due, ok := c.Deadline(); ok && !due.After(now) {
					if c.Expire(due.Add(-1)) || !c.Expire(due) {
						t.Fatal("it expires at its deadline, not before")
					}
					ended = due.Sub(zero)
					break
				}
				if s.what == 's' {
					c.Start(now)
				} else if s.what != 'e' && c.Press(now, s.what) && ended < 0 {
					ended = now.Sub(zero)
				}
			}
			if got := c.Result(); got != tt.want || ended != tt.ends {
				t.Errorf("got %+v after %v, want %+v after %v", got, ended, tt.want, tt.ends)
			}
			if due, ok := c.Deadline(); ok {
				t.Errorf("a deadline remains: %v", due)
			}
		})
	}
}
