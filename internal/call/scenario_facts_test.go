package call_test

import (
	"context"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/tipring/tipring/internal/call"
	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/prompt"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/mediatest"
)

// compare holds an event against key=value pairs.
func (s *stage) compare(e event.Event, options map[string]string) error {
	for key, want := range options {
		var got string
		switch key {
		case "context":
			got = e.Context
		case "took":
			took := e.Time.Sub(s.lineAt)
			if d := took - duration(want); d.Abs() > 2*media.Period {
				return fmt.Errorf("took %v", took)
			}
			continue
		case "about": // what a crash may cost of a recording is less than a second
			file, ok := e.Body.(event.RecordingFileReady)
			if d := file.Duration - duration(want); !ok || d.Abs() >= time.Second {
				return fmt.Errorf("duration=%v", file.Duration)
			}
			continue
		default:
			got = facts(e.Body)[key]
		}
		if got != want {
			return fmt.Errorf("%s=%q", key, got)
		}
	}
	return nil
}

// facts are an event's fields as scenarios spell them.
func facts(b event.Body) map[string]string {
	switch b := b.(type) {
	case event.RecognizeCompleted:
		return map[string]string{"digits": b.Digits, "label": b.Label, "reason": [...]string{"max-digits", "stop-digit", "choice"}[b.Reason]}
	case event.RecognizeFailed:
		return map[string]string{
			"digits": b.Digits, "index": strconv.Itoa(b.Index),
			"cause": [...]string{"initial-silence", "inter-digit", "prompt-failed", "wrong-tone", "internal", "restart"}[b.Cause],
		}
	case event.PlayFailed:
		return map[string]string{
			"index": strconv.Itoa(b.Index), "cause": [...]string{"bad-format", "unreachable", "no-speech", "internal", "restart"}[b.Cause],
		}
	case event.TonesFailed:
		switch {
		case b.Canceled:
			return map[string]string{"cause": "canceled"}
		case b.Restart:
			return map[string]string{"cause": "restart"}
		}
		return map[string]string{"cause": "failed"}
	case event.ToneReceived:
		return map[string]string{"digit": string(b.Digit), "sequence": strconv.Itoa(b.Sequence)}
	case event.CallDisconnected:
		return map[string]string{"reason": reasons[b.Reason]}
	case event.AnswerFailed:
		return map[string]string{"reason": reasons[b.Reason]}
	case event.MoveFailed:
		return map[string]string{"who": b.Participant, "cause": map[bool]string{true: "restart"}[b.Restart]}
	case event.MediaStreamingFailed:
		return map[string]string{"cause": [...]string{"unreachable", "broken", "restart"}[b.Cause]}
	case event.CreateCallFailed:
		return map[string]string{"cause": inviteCauses[b.Cause]}
	case event.AddSucceeded:
		return map[string]string{"who": b.Participant, "invitation": b.Invitation}
	case event.AddFailed:
		return map[string]string{"who": b.Participant, "invitation": b.Invitation, "cause": inviteCauses[b.Cause]}
	case event.TransferFailed:
		return map[string]string{"cause": inviteCauses[b.Cause]}
	case event.ParticipantsUpdated:
		return map[string]string{"who": roster(b.Participants)}
	case event.RecordingStateChanged:
		return map[string]string{"active": map[bool]string{true: "yes", false: "no"}[b.Active]}
	case event.RecordingFileReady:
		return map[string]string{"duration": b.Duration.Round(200 * time.Millisecond).String(), "chunks": strconv.Itoa(len(b.Chunks))}
	}
	return nil
}

var (
	reasons      = [...]string{"app", "caller", "other", "timeout", "shutdown", "failed", "last", "restart"}
	inviteCauses = [...]string{"declined", "busy", "no-answer", "unreachable", "canceled", "failed", "restart"}
)

// roster is "alice,bob(muted),carol(held)".
func roster(people []event.Participant) string {
	var names []string
	for _, p := range people {
		name := strings.TrimPrefix(p.ID, "8:acs:")
		if p.Muted {
			name += "(muted)"
		}
		if p.OnHold {
			name += "(held)"
		}
		names = append(names, name)
	}
	return strings.Join(names, ",")
}

func (s *stage) history() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for i, e := range s.events {
		fmt.Fprintf(&b, "  %2d %v %s%+v context=%q\n", i, e.Time.Sub(s.events[0].Time), reflect.TypeOf(e.Body).Name(), e.Body, e.Context)
	}
	return b.String()
}

func cause(s string) leg.Cause {
	for c := leg.Normal; c <= leg.Failed; c++ {
		if strings.ReplaceAll(c.String(), " ", "-") == s {
			return c
		}
	}
	panic("no such cause: " + s)
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}

func duration(s string) time.Duration {
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		panic(err)
	}
	return d
}

// prompts reads "440Hz:2s,missing".
func prompts(s string) []call.Prompt {
	var list []call.Prompt
	for name := range strings.SplitSeq(s, ",") {
		if name != "" {
			list = append(list, call.Prompt{URI: name})
		}
	}
	return list
}

func prompts2source(uri string) media.Source {
	freq, d, _ := strings.Cut(uri, "Hz:")
	return mediatest.Tone(float64(number(freq)), -10, duration(d))
}

// fetch loads "440Hz:2s" as a tone; "missing", "garbage" and "slow" fail in
// their ways.
func fetch(_ context.Context, uri, _ string) call.Sound { return tone(uri) }

type tone string

func (p tone) Ready(ctx context.Context) error {
	switch p {
	case "missing":
		return prompt.ErrUnreachable
	case "garbage":
		return prompt.ErrFormat
	case "slow":
		select {
		case <-time.After(10 * time.Second):
			return prompt.ErrUnreachable
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (p tone) Source() media.Source {
	switch p {
	case "garbage":
		return media.SourceFunc(func(*media.Frame) (int, error) { return 0, prompt.ErrFormat })
	}
	return prompts2source(string(p))
}

func (p tone) Looped() media.Source { return media.Loop(p.Source) }
