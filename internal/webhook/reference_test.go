package webhook_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tipring/tipring/internal/event"
)

const reference = "../../docs/reference.md"

// causes are events of every kind, and each kind that fails with every cause.
func causes() []event.Body {
	all := slices.Collect(maps.Values(bodies()))
	all = append(all, event.TonesFailed{Canceled: true}, event.TonesFailed{Restart: true}, event.MoveFailed{Restart: true})
	for r := event.EndedByApp; r <= event.EndedRestart; r++ {
		all = append(all, event.CallDisconnected{Reason: r}, event.AnswerFailed{Reason: r})
	}
	for c := event.InviteDeclined; c <= event.InviteRestart; c++ {
		all = append(all, event.CreateCallFailed{Cause: c}, event.AddFailed{Cause: c}, event.TransferFailed{Cause: c})
	}
	for c := event.PlayBadFormat; c <= event.PlayRestart; c++ {
		all = append(all, event.PlayFailed{Cause: c})
		if c != event.PlayRestart { // whoever was on hold is gone
			all = append(all, event.HoldFailed{Cause: c})
		}
	}
	for c := event.StreamUnreachable; c <= event.StreamRestart; c++ {
		all = append(all, event.MediaStreamingFailed{Cause: c})
	}
	for c := event.RecognizeInitialSilence; c <= event.RecognizeRestart; c++ {
		all = append(all, event.RecognizeFailed{Cause: c})
	}
	return all
}

// TestTheReferenceHasEveryEvent: with the codes that it comes with, no more and
// no less.
func TestTheReferenceHasEveryEvent(t *testing.T) {
	codes := map[string][]string{} // by event; Event Grid's have none
	for _, body := range causes() {
		var list []struct {
			Type, EventType string
			Data            struct {
				ResultInformation *struct{ Code, SubCode int }
			}
		}
		text := sent(t, event.Event{ID: "id", Connection: "conn-1", Callback: "http://app/", Body: body})
		if err := json.Unmarshal(text, &list); err != nil || len(list) != 1 {
			t.Fatalf("%T: %v", body, err)
		}
		name := strings.TrimPrefix(list[0].Type+list[0].EventType, "Microsoft.Communication.")
		codes[name] = append(codes[name], []string{}...)
		if r := list[0].Data.ResultInformation; r != nil {
			if code := fmt.Sprintf("%d/%d", r.Code, r.SubCode); !slices.Contains(codes[name], code) {
				codes[name] = append(codes[name], code)
			}
		}
	}
	page, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	_, events, _ := strings.Cut(string(page), "\n## Events\n")
	documented := map[string][]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| ([0-9/ ]*)").FindAllStringSubmatch(events, -1) {
		documented[m[1]] = strings.Fields(m[2])
	}
	for name, want := range codes {
		got, there := documented[name]
		slices.Sort(got)
		slices.Sort(want)
		if !there || !slices.Equal(got, want) {
			t.Errorf("%s has %s with %v; it comes with %v", reference, name, got, want)
		}
	}
	for name := range documented {
		if _, there := codes[name]; !there {
			t.Errorf("%s has %s, which is no event", reference, name)
		}
	}
}
