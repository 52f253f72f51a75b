package webhook_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A shape is the fields of a JSON object, each with what it is: string, number,
// boolean, list, an identifier (who), or an object of a shape below. A field
// that may be missing ends in '?'.
type shape map[string]string

// shapes are the parts of which events are made.
var shapes = map[string]shape{
	"result":    {"code": "number", "subCode": "number", "message": "string"},
	"who":       {"kind": "string", "rawId": "string", "phoneNumber?": "phone", "communicationUser?": "id"},
	"phone":     {"value": "string", "isAnonymous?": "boolean"},
	"id":        {"id": "string"},
	"tones":     {"tones": "list"},
	"choice":    {"label": "string"},
	"streaming": {"contentType": "string", "mediaStreamingStatus": "string", "mediaStreamingStatusDetails": "string"},
	"custom":    {"sipHeaders": "object", "voipHeaders": "object"},
	"files":     {"recordingChunks": "list"},
	"starter":   {"kind": "string", "rawId": "string", "phoneNumber?": "phone", "communicationUser?": "id", "communicationIdentifier": "who"},
	"ender":     {"communicationIdentifier": "who", "type": "string", "name": "string"},
	"reason":    {"code": "number", "subCode": "number", "phrase": "string"},
}

// common is what the data of every callback has.
var common = shape{
	"version": "string", "publicEventType": "string", "operationContext?": "string", "resultInformation": "result",
	"callConnectionId": "string", "serverCallId": "string", "correlationId": "string",
}

// callbacks are the types of callbacks that the clients of api-version
// 2026-03-12 know and this server sends, with the fields of their data.
var callbacks = map[string]shape{
	"CallConnected": {}, "CallDisconnected": {}, "AnswerFailed": {}, "CreateCallFailed": {}, "ConnectFailed": {},
	"ParticipantsUpdated":     {"participants": "list", "sequenceNumber": "number"},
	"AddParticipantSucceeded": {"participant": "who"}, "AddParticipantFailed": {"participant": "who"},
	"RemoveParticipantSucceeded": {"participant": "who"}, "RemoveParticipantFailed": {"participant": "who"},
	"MoveParticipantSucceeded": {"participant": "who", "fromCall": "string"}, "MoveParticipantFailed": {"participant": "who", "fromCall": "string"},
	"CancelAddParticipantSucceeded": {"invitationId": "string"}, "CancelAddParticipantFailed": {"invitationId": "string"},
	"CallTransferAccepted": {"transferTarget": "who", "transferee": "who"}, "CallTransferFailed": {},
	"PlayStarted": {}, "PlayCompleted": {}, "PlayFailed": {"failedPlaySourceIndex": "number"}, "PlayCanceled": {},
	"RecognizeCompleted":                    {"recognitionType": "string", "dtmfResult?": "tones", "choiceResult?": "choice"},
	"RecognizeFailed":                       {"failedPlaySourceIndex?": "number", "recognitionType?": "string", "dtmfResult?": "tones"}, // the last two are ours
	"RecognizeCanceled":                     {},
	"ContinuousDtmfRecognitionToneReceived": {"sequenceId": "number", "tone": "string"},
	"ContinuousDtmfRecognitionToneFailed":   {}, "ContinuousDtmfRecognitionStopped": {},
	"SendDtmfTonesCompleted": {}, "SendDtmfTonesFailed": {}, "HoldFailed": {},
	"RecordingStateChanged": {"recordingId": "string", "state": "string", "startDateTime": "string", "recordingKind": "string"},
	"MediaStreamingStarted": {"mediaStreamingUpdate": "streaming"}, "MediaStreamingStopped": {"mediaStreamingUpdate": "streaming"},
	"MediaStreamingFailed": {"mediaStreamingUpdate": "streaming"},
}

// gridCall is what the data of Event Grid's events of calls have.
var gridCall = shape{
	"startedBy": "starter", "serverCallId": "string", "correlationId": "string", "isTwoParty": "boolean", "isRoomsCall": "boolean",
	"group?": "id", "room?": "id",
}

// gridEvents are the types of Event Grid.
var gridEvents = map[string]shape{
	"IncomingCall": {"to": "who", "from": "who", "serverCallId": "string", "callerDisplayName": "string", "customContext": "custom",
		"incomingCallContext": "string", "correlationId": "string"},
	"CallStarted":            with(gridCall, shape{}),
	"CallEnded":              with(gridCall, shape{"durationOfCall": "number", "callDurationInSeconds": "number", "endedBy?": "ender", "reason": "reason"}),
	"CallParticipantAdded":   with(gridCall, shape{"user": "starter", "displayName?": "string", "participantId": "string"}),
	"CallParticipantRemoved": with(gridCall, shape{"user": "starter", "displayName?": "string", "participantId": "string"}),
	"RecordingFileStatusUpdated": {"recordingStorageInfo": "files", "recordingStartTime": "string", "recordingDurationMs": "number", "sessionEndReason": "string",
		"recordingContentType": "string", "recordingChannelType": "string", "recordingFormatType": "string"},
}

func with(a, b shape) shape {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// fits says what of value does not fit the shape of that name.
func fits(t *testing.T, where, kind string, value any) {
	t.Helper()
	ok := false
	switch kind {
	case "string":
		_, ok = value.(string)
	case "number":
		_, ok = value.(float64)
	case "boolean":
		_, ok = value.(bool)
	case "list":
		_, ok = value.([]any)
	case "object":
		_, ok = value.(map[string]any)
	default:
		var object map[string]any
		if object, ok = value.(map[string]any); ok {
			fitsAll(t, where, shapes[kind], object)
		}
	}
	if !ok {
		t.Errorf("%s is %v, not a %s", where, value, kind)
	}
}

func fitsAll(t *testing.T, where string, s shape, object map[string]any) {
	t.Helper()
	known := map[string]bool{}
	for name, kind := range s {
		name, optional := strings.CutSuffix(name, "?")
		known[name] = true
		if value, there := object[name]; there {
			fits(t, where+"."+name, kind, value)
		} else if !optional {
			t.Errorf("%s lacks %s", where, name)
		}
	}
	for name := range object {
		if !known[name] {
			t.Errorf("%s has %s, which no client knows", where, name)
		}
	}
}

func TestEveryEventHasTheShapeThatClientsParse(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var list []struct {
			Type, EventType string
			Data            map[string]any
		}
		if err := json.Unmarshal(text, &list); err != nil || len(list) != 1 {
			t.Fatalf("%s: %v", file, err)
		}
		e := list[0]
		name := strings.TrimPrefix(e.Type+e.EventType, "Microsoft.Communication.")
		seen[name] = true
		if s, ok := callbacks[name]; ok && e.Type != "" {
			fitsAll(t, file, with(common, s), e.Data)
		} else if s, ok := gridEvents[name]; ok && e.EventType != "" {
			fitsAll(t, file, s, e.Data)
		} else {
			t.Errorf("%s: nobody knows an event %s", file, name)
		}
	}
	for _, name := range slices.Concat(slices.Collect(maps.Keys(callbacks)), slices.Collect(maps.Keys(gridEvents))) {
		if !seen[name] {
			t.Errorf("%s has no file in testdata", name)
		}
	}
}
