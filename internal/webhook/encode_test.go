package webhook_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/webhook"
)

var update = flag.Bool("update", false, "rewrite testdata")

// bodies are events of every kind, and of every cause, by the name of the file
// in testdata that shows what they become.
func bodies() map[string]event.Body {
	started := time.Date(2026, 9, 15, 11, 30, 0, 500_000_000, time.UTC)
	return map[string]event.Body{
		"CallConnected":                event.CallConnected{},
		"CallDisconnected-app":         event.CallDisconnected{Reason: event.EndedByApp},
		"CallDisconnected-caller":      event.CallDisconnected{Reason: event.EndedByCaller},
		"CallDisconnected-other":       event.CallDisconnected{Reason: event.EndedOther},
		"CallDisconnected-timeout":     event.CallDisconnected{Reason: event.EndedTimeout},
		"CallDisconnected-shutdown":    event.CallDisconnected{Reason: event.EndedShutdown},
		"CallDisconnected-failed":      event.CallDisconnected{Reason: event.EndedFailed},
		"CallDisconnected-last":        event.CallDisconnected{Reason: event.EndedLast},
		"AnswerFailed-caller":          event.AnswerFailed{Reason: event.EndedByCaller},
		"AnswerFailed-failed":          event.AnswerFailed{Reason: event.EndedFailed},
		"ParticipantsUpdated":          event.ParticipantsUpdated{Sequence: 4, Participants: []event.Participant{{ID: "4:+15550100", OnHold: true}, {ID: "8:acs:alice", Muted: true}}},
		"ParticipantsUpdated-none":     event.ParticipantsUpdated{Sequence: 5},
		"PlayStarted":                  event.PlayStarted{},
		"PlayCompleted":                event.PlayCompleted{},
		"PlayFailed-format":            event.PlayFailed{Cause: event.PlayBadFormat},
		"PlayFailed-unreachable":       event.PlayFailed{Cause: event.PlayUnreachable, Index: 2},
		"PlayFailed-speech":            event.PlayFailed{Cause: event.PlayNoSpeech, Index: 1},
		"PlayCanceled":                 event.PlayCanceled{},
		"RecognizeCompleted-max":       event.RecognizeCompleted{Digits: "56#"},
		"RecognizeCompleted-stop":      event.RecognizeCompleted{Digits: "", Reason: event.StopDigit},
		"RecognizeFailed-silence":      event.RecognizeFailed{Cause: event.RecognizeInitialSilence},
		"RecognizeFailed-interdigit":   event.RecognizeFailed{Cause: event.RecognizeInterDigit, Digits: "1*A"},
		"RecognizeFailed-prompt":       event.RecognizeFailed{Cause: event.RecognizePromptFailed, Index: 1, Play: event.PlayUnreachable},
		"RecognizeFailed-internal":     event.RecognizeFailed{Cause: event.RecognizeInternal},
		"RecognizeCanceled":            event.RecognizeCanceled{},
		"ToneReceived":                 event.ToneReceived{Digit: '7', Sequence: 3, From: "4:+15550100"},
		"ToneStopped":                  event.ToneStopped{},
		"ToneFailed":                   event.ToneFailed{},
		"RecordingStateChanged":        event.RecordingStateChanged{Recording: "rec", Active: true, Started: started},
		"MediaStreamingStarted":        event.MediaStreamingStarted{},
		"MediaStreamingStopped":        event.MediaStreamingStopped{},
		"MediaStreamingFailed":         event.MediaStreamingFailed{},
		"MediaStreamingFailed-later":   event.MediaStreamingFailed{Cause: event.StreamBroken},
		"RecognizeCompleted-choice":    event.RecognizeCompleted{Digits: "1", Reason: event.ChoiceByTone, Label: "Confirm"},
		"RecognizeFailed-tone":         event.RecognizeFailed{Cause: event.RecognizeWrongTone, Digits: "9"},
		"TonesSent":                    event.TonesSent{},
		"TonesFailed":                  event.TonesFailed{},
		"HoldFailed-unreachable":       event.HoldFailed{Cause: event.PlayUnreachable},
		"CreateCallFailed-declined":    event.CreateCallFailed{Cause: event.InviteDeclined},
		"CreateCallFailed-busy":        event.CreateCallFailed{Cause: event.InviteBusy},
		"CreateCallFailed-noanswer":    event.CreateCallFailed{Cause: event.InviteNoAnswer},
		"CreateCallFailed-unreachable": event.CreateCallFailed{Cause: event.InviteUnreachable},
		"CreateCallFailed-failed":      event.CreateCallFailed{Cause: event.InviteFailed},
		"ConnectFailed":                event.ConnectFailed{},
		"AddSucceeded":                 event.AddSucceeded{Participant: "4:+15550100", Invitation: "inv"},
		"AddFailed-declined":           event.AddFailed{Participant: "4:+15550100", Invitation: "inv", Cause: event.InviteDeclined},
		"AddFailed-canceled":           event.AddFailed{Participant: "8:acs:alice", Invitation: "inv", Cause: event.InviteCanceled},
		"CancelAddSucceeded":           event.CancelAddSucceeded{Invitation: "inv"},
		"CancelAddFailed":              event.CancelAddFailed{Invitation: "inv"},
		"RemoveSucceeded":              event.RemoveSucceeded{Participant: "8:acs:alice"},
		"RemoveFailed":                 event.RemoveFailed{Participant: "8:acs:alice"},
		"MoveSucceeded":                event.MoveSucceeded{Participant: "8:acs:alice", From: "conn-0"},
		"MoveFailed":                   event.MoveFailed{Participant: "8:acs:alice", From: "conn-0"},
		"TransferAccepted":             event.TransferAccepted{Target: "4:+15550101", Transferee: "8:acs:alice"},
		"TransferFailed-busy":          event.TransferFailed{Cause: event.InviteBusy},
		"CallStarted":                  event.CallStarted{StartedBy: "8:acs:alice", TwoParty: true},
		"CallStarted-room":             event.CallStarted{StartedBy: "4:+15550100", Room: "room", Group: "group"},
		"CallEnded":                    event.CallEnded{StartedBy: "8:acs:alice", TwoParty: true, Duration: 49_728_617_200, EndedBy: "4:+15550100", Reason: event.EndedByCaller},
		"CallEnded-app":                event.CallEnded{StartedBy: "8:acs:alice", Group: "group", Duration: time.Second, Reason: event.EndedByApp},
		"CallParticipantAdded":         event.ParticipantAdded{Participant: "4:+15550100", StartedBy: "8:acs:alice", Display: "Bob", TwoParty: true},
		"CallParticipantRemoved":       event.ParticipantRemoved{Participant: "8:acs:alice", StartedBy: "8:acs:alice", Group: "group"},
		"IncomingCall": event.IncomingCall{From: "4:+15550100", To: "8:acs:bot", DisplayName: "Alice", Token: "token",
			Headers: map[string]string{"user-to-user": "616d;encoding=hex", "x-ms-custom-Shop": "7", "X-Other": "o", "X-MS-VoIP-customHeader": "customValue"}},
		"IncomingCall-plain": event.IncomingCall{From: "8:acs:alice", To: "4:+15550100", Token: "token"},
		"RecordingFileStatusUpdated": event.RecordingFileReady{Recording: "rec", Started: started, Duration: 6620 * time.Millisecond,
			Channel: "unmixed", Format: "wav", EndReason: "CallEnded", Chunks: []event.RecordingChunk{{Document: "doc-1", EndReason: "SessionEnded"}}},
	}
}

// TestBodiesAreWhatAppsParse posts every event and holds its body against
// testdata/<name>.json.
func TestBodiesAreWhatAppsParse(t *testing.T) {
	for name, body := range bodies() {
		t.Run(name, func(t *testing.T) {
			e := event.Event{
				ID: "event-1", Time: time.Date(2026, 9, 15, 11, 36, 7, 993_757_400, time.UTC), Call: "c2VydmVyY2FsbA==",
				Connection: "conn-1", Correlation: "corr-1", Context: "ctx", Callback: "http://app/", Body: body,
			}
			golden(t, filepath.Join("testdata", name+".json"), sent(t, e))
		})
	}
}

// sent is the body that an event is posted with.
func sent(t *testing.T, e event.Event) (body []byte) {
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(map[string]host{"app": agree(always(http.StatusOK))})
		config := webhook.Config{Client: net.client(), PublicURL: "https://server:8443/"}
		switch e.Body.(type) {
		case event.IncomingCall, event.RecordingFileReady, event.CallStarted, event.CallEnded, event.ParticipantAdded, event.ParticipantRemoved:
			config.Subscribers = []string{"http://app/"}
		}
		courier, stop := running(t, config)
		defer stop()
		synctest.Wait()
		take(t, courier, e)
		drained(t, courier, time.Second)
		posts := net.to("app")
		body = posts[len(posts)-1].body
	})
	return body
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, got, "", "  "); err != nil {
		t.Fatal(err)
	}
	pretty.WriteByte('\n')
	if *update {
		if err := os.WriteFile(file, pretty.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(pretty.Bytes(), want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, pretty.Bytes(), want)
	}
}
