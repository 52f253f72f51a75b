package webhook

import (
	"net/url"
	"strings"

	"github.com/tipring/tipring/internal/acs"
	"github.com/tipring/tipring/internal/event"
)

// cloud spells an event as the CloudEvent of a callback. It is false for an
// event that callbacks do not carry.
func cloud(e event.Event) (acs.CloudEvent, bool) {
	subject := "calling/callConnections/" + e.Connection
	if r, ok := e.Body.(event.RecordingStateChanged); ok {
		subject = "calling/recordings/" + e.Call + "/" + r.Recording + "/RecordingStateChanged"
		e.Context = "" // it never has one
	}
	common := acs.Common{
		Version:          acs.Version,
		OperationContext: e.Context,
		CallConnectionID: e.Connection,
		ServerCallID:     e.Call,
		CorrelationID:    e.Correlation,
	}
	name, data := spell(e.Body, common)
	if name == "" {
		return acs.CloudEvent{}, false
	}
	return acs.CloudEvent{
		ID: e.ID, Source: subject, Subject: subject, Type: acs.EventPrefix + name, Data: data,
		Time: acs.CloudTime(e.Time), SpecVersion: "1.0", DataContentType: "application/json",
	}, true
}

// spell gives the type, without its prefix, and the data of a body; "" for one
// that callbacks do not carry.
func spell(b event.Body, c acs.Common) (name string, data any) {
	is := func(name string, result acs.Result) acs.Common {
		c.PublicEventType = acs.EventPrefix + name
		c.ResultInformation = &result
		return c
	}
	switch b := b.(type) {
	case event.CallConnected:
		return acs.TypeCallConnected, is(acs.TypeCallConnected, acs.ResultOK)
	case event.CallDisconnected:
		return acs.TypeCallDisconnected, is(acs.TypeCallDisconnected, endResult(b.Reason))
	case event.AnswerFailed:
		return acs.TypeAnswerFailed, is(acs.TypeAnswerFailed, answerResult(b.Reason))
	case event.ParticipantsUpdated:
		return acs.TypeParticipantsUpdated, acs.ParticipantsUpdated{
			Participants: roster(b.Participants), SequenceNumber: b.Sequence,
			Common: is(acs.TypeParticipantsUpdated, acs.ResultOK),
		}
	case event.PlayStarted:
		return acs.TypePlayStarted, is(acs.TypePlayStarted, acs.ResultCompleted)
	case event.PlayCompleted:
		return acs.TypePlayCompleted, is(acs.TypePlayCompleted, acs.ResultCompleted)
	case event.PlayFailed:
		return acs.TypePlayFailed, acs.PlayFailed{FailedPlaySourceIndex: &b.Index, Common: is(acs.TypePlayFailed, playResult(b.Cause))}
	case event.PlayCanceled:
		return acs.TypePlayCanceled, is(acs.TypePlayCanceled, acs.ResultCanceled)
	case event.RecordingStateChanged:
		return acs.TypeRecordingStateChanged, recordingState(b, is(acs.TypeRecordingStateChanged, acs.ResultOK))
	case event.MediaStreamingStarted:
		return acs.TypeStreamingStarted, acs.StreamingChanged{Update: acs.StreamingStarted, Common: is(acs.TypeStreamingStarted, acs.ResultCompleted)}
	case event.MediaStreamingStopped:
		return acs.TypeStreamingStopped, acs.StreamingChanged{Update: acs.StreamingStopped, Common: is(acs.TypeStreamingStopped, acs.ResultCompleted)}
	case event.MediaStreamingFailed:
		update, result := acs.StreamingUnreachable, acs.StreamUnreachable
		if b.Cause == event.StreamBroken {
			update, result = acs.StreamingBroken, acs.StreamBroken
		}
		return acs.TypeStreamingFailed, acs.StreamingChanged{Update: update, Common: is(acs.TypeStreamingFailed, result)}
	}
	return spellDigits(b, is)
}

// spellDigits is spell for what has to do with digits.
func spellDigits(b event.Body, is func(string, acs.Result) acs.Common) (name string, data any) {
	switch b := b.(type) {
	case event.RecognizeCompleted:
		result := acs.RecognizeMaxDigits
		if b.Reason == event.StopDigit {
			result = acs.RecognizeStopTone
		}
		return acs.TypeRecognizeCompleted, acs.RecognizeCompleted{
			RecognitionType: acs.RecognitionDTMF, DTMFResult: &acs.DTMFResult{Tones: acs.TonesOf(b.Digits)},
			Common: is(acs.TypeRecognizeCompleted, result),
		}
	case event.RecognizeFailed:
		return acs.TypeRecognizeFailed, recognizeFailed(b, is(acs.TypeRecognizeFailed, recognizeResult(b)))
	case event.RecognizeCanceled:
		return acs.TypeRecognizeCanceled, is(acs.TypeRecognizeCanceled, acs.ResultCanceled)
	case event.ToneReceived:
		return acs.TypeToneReceived, acs.ToneReceived{
			SequenceID: b.Sequence, Tone: acs.ToneOf(b.Digit), Common: is(acs.TypeToneReceived, acs.ResultOK),
		}
	case event.ToneStopped:
		return acs.TypeToneStopped, is(acs.TypeToneStopped, acs.ToneStopped)
	case event.ToneFailed:
		return acs.TypeToneFailed, is(acs.TypeToneFailed, acs.ToneFailed)
	}
	return "", nil
}

func recognizeFailed(b event.RecognizeFailed, c acs.Common) acs.RecognizeFailed {
	data := acs.RecognizeFailed{Common: c}
	switch b.Cause {
	case event.RecognizePromptFailed:
		data.FailedPlaySourceIndex = &b.Index
	case event.RecognizeInterDigit:
		data.RecognitionType = acs.RecognitionDTMF
		data.DTMFResult = &acs.DTMFResult{Tones: acs.TonesOf(b.Digits)}
	}
	return data
}

func recordingState(b event.RecordingStateChanged, c acs.Common) acs.RecordingStateChanged {
	data := acs.RecordingStateChanged{RecordingID: b.Recording, State: acs.RecordingInactive, RecordingKind: acs.RecordingKind, Common: c}
	if b.Active {
		data.State = acs.RecordingActive
	}
	if !b.Started.IsZero() {
		data.StartDateTime = acs.CloudTime(b.Started)
	}
	return data
}

func roster(list []event.Participant) []acs.CallParticipant {
	out := make([]acs.CallParticipant, 0, len(list))
	for _, p := range list {
		out = append(out, acs.CallParticipant{Identifier: acs.Identify(p.ID), IsMuted: p.Muted, IsOnHold: p.OnHold})
	}
	return out
}

// grid spells an event for the Event Grid subscribers. It is false for an event
// that they are not sent.
func grid(e event.Event, topic, public string) (acs.GridEvent, bool) {
	out := acs.GridEvent{ID: e.ID, Topic: topic, DataVersion: "1.0", MetadataVersion: "1", EventTime: acs.GridTime(e.Time)}
	switch b := e.Body.(type) {
	case event.IncomingCall:
		out.EventType = acs.EventPrefix + acs.TypeIncomingCall
		out.Subject = "/caller/" + b.From + "/recipient/" + b.To
		out.Data = acs.IncomingCall{
			To: acs.Identify(b.To), From: acs.Identify(b.From), ServerCallID: e.Call, CallerDisplayName: b.DisplayName,
			CustomContext: customContext(b.Headers), IncomingCallContext: b.Token, CorrelationID: e.Correlation,
		}
	case event.RecordingFileReady:
		out.EventType = acs.EventPrefix + acs.TypeRecordingFile
		out.Subject = "/recording/call/" + e.Call + "/recordingId/" + b.Recording
		out.Data = recordingFile(b, public)
	default:
		return out, false
	}
	return out, true
}

// customContext sorts the headers of an INVITE: all came by SIP.
func customContext(headers map[string]string) acs.CustomContext {
	c := acs.CustomContext{SIPHeaders: make(map[string]string, len(headers)), VoIPHeaders: map[string]string{}}
	for name, value := range headers {
		if strings.EqualFold(name, "User-To-User") {
			name = "userToUser"
		}
		c.SIPHeaders[name] = value
	}
	return c
}

func recordingFile(b event.RecordingFileReady, public string) acs.RecordingFile {
	file := acs.RecordingFile{
		StartTime: acs.GridTime(b.Started), DurationMS: b.Duration.Milliseconds(), SessionEndReason: b.EndReason,
		ContentType: "Audio", ChannelType: capital(b.Channel), FormatType: capital(b.Format),
		StorageInfo: acs.RecordingStorageInfo{Chunks: make([]acs.RecordingChunk, 0, len(b.Chunks))},
	}
	for _, c := range b.Chunks {
		object := strings.TrimSuffix(public, "/") + "/v1/objects/" + url.PathEscape(c.Document)
		file.StorageInfo.Chunks = append(file.StorageInfo.Chunks, acs.RecordingChunk{
			DocumentID: c.Document, Index: c.Index, EndReason: c.EndReason,
			ContentLocation: object + "/content/audio", MetadataLocation: object + "/content/acsmetadata", DeleteLocation: object,
		})
	}
	return file
}

// capital writes a word of the API as Event Grid does: "unmixed" is "Unmixed".
func capital(word string) string {
	if word == "" {
		return ""
	}
	return strings.ToUpper(word[:1]) + word[1:]
}
