package webhook

import (
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
		failed := acs.PlayFailed{FailedPlaySourceIndex: &b.Index, Common: is(acs.TypePlayFailed, playResult(b.Cause))}
		if b.Cause == event.PlayRestart {
			failed.FailedPlaySourceIndex = nil // none of them is to blame
		}
		return acs.TypePlayFailed, failed
	case event.PlayCanceled:
		return acs.TypePlayCanceled, is(acs.TypePlayCanceled, acs.ResultCanceled)
	case event.RecordingStateChanged:
		return acs.TypeRecordingStateChanged, recordingState(b, is(acs.TypeRecordingStateChanged, acs.ResultOK))
	case event.MediaStreamingStarted:
		return acs.TypeStreamingStarted, acs.StreamingChanged{Update: acs.StreamingStarted, Common: is(acs.TypeStreamingStarted, acs.ResultCompleted)}
	case event.MediaStreamingStopped:
		return acs.TypeStreamingStopped, acs.StreamingChanged{Update: acs.StreamingStopped, Common: is(acs.TypeStreamingStopped, acs.ResultCompleted)}
	case event.MediaStreamingFailed:
		update, result := streamResult(b.Cause)
		return acs.TypeStreamingFailed, acs.StreamingChanged{Update: update, Common: is(acs.TypeStreamingFailed, result)}
	}
	if name, data := spellPeople(b, is); name != "" {
		return name, data
	}
	return spellDigits(b, is)
}

// spellPeople is spell for who comes and who goes.
func spellPeople(b event.Body, is func(string, acs.Result) acs.Common) (name string, data any) {
	moved := func(name, who, from string, result acs.Result) (string, any) {
		return name, acs.ParticipantChanged{Participant: acs.Identify(who), FromCall: from, Common: is(name, result)}
	}
	changed := func(name, who string, result acs.Result) (string, any) { return moved(name, who, "", result) }
	switch b := b.(type) {
	case event.CreateCallFailed:
		return acs.TypeCreateCallFailed, is(acs.TypeCreateCallFailed, inviteResult(b.Cause))
	case event.ConnectFailed:
		return acs.TypeConnectFailed, is(acs.TypeConnectFailed, acs.ConnectEnded)
	case event.AddSucceeded:
		return changed(acs.TypeAddSucceeded, b.Participant, acs.ResultOK)
	case event.AddFailed:
		return changed(acs.TypeAddFailed, b.Participant, inviteResult(b.Cause))
	case event.CancelAddSucceeded:
		return acs.TypeCancelAddSucceeded, acs.InvitationCanceled{InvitationID: b.Invitation, Common: is(acs.TypeCancelAddSucceeded, acs.ResultOK)}
	case event.CancelAddFailed:
		return acs.TypeCancelAddFailed, acs.InvitationCanceled{InvitationID: b.Invitation, Common: is(acs.TypeCancelAddFailed, acs.CancelAddTooLate)}
	case event.RemoveSucceeded:
		return changed(acs.TypeRemoveSucceeded, b.Participant, acs.ResultOK)
	case event.RemoveFailed:
		return changed(acs.TypeRemoveFailed, b.Participant, acs.NotRemoved)
	case event.MoveSucceeded:
		return moved(acs.TypeMoveSucceeded, b.Participant, b.From, acs.ResultOK)
	case event.MoveFailed:
		return moved(acs.TypeMoveFailed, b.Participant, b.From, moveResult(b))
	case event.TransferAccepted:
		return acs.TypeTransferAccepted, acs.TransferAccepted{
			Target: acs.Identify(b.Target), Transferee: acs.Identify(b.Transferee), Common: is(acs.TypeTransferAccepted, acs.ResultOK),
		}
	case event.TransferFailed:
		return acs.TypeTransferFailed, is(acs.TypeTransferFailed, inviteResult(b.Cause))
	case event.HoldFailed:
		return acs.TypeHoldFailed, is(acs.TypeHoldFailed, playResult(b.Cause))
	}
	return "", nil
}

// spellDigits is spell for what has to do with digits.
func spellDigits(b event.Body, is func(string, acs.Result) acs.Common) (name string, data any) {
	switch b := b.(type) {
	case event.RecognizeCompleted:
		return acs.TypeRecognizeCompleted, recognizeCompleted(b, is)
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
	case event.TonesSent:
		return acs.TypeTonesSent, is(acs.TypeTonesSent, acs.ResultOK)
	case event.TonesFailed:
		return acs.TypeTonesFailed, is(acs.TypeTonesFailed, tonesResult(b))
	}
	return "", nil
}

func recognizeCompleted(b event.RecognizeCompleted, is func(string, acs.Result) acs.Common) acs.RecognizeCompleted {
	if b.Reason == event.ChoiceByTone {
		return acs.RecognizeCompleted{
			RecognitionType: acs.RecognitionChoices, ChoiceResult: &acs.ChoiceResult{Label: b.Label},
			Common: is(acs.TypeRecognizeCompleted, acs.RecognizeChoiceByTone),
		}
	}
	result := acs.RecognizeMaxDigits
	if b.Reason == event.StopDigit {
		result = acs.RecognizeStopTone
	}
	return acs.RecognizeCompleted{
		RecognitionType: acs.RecognitionDTMF, DTMFResult: &acs.DTMFResult{Tones: acs.TonesOf(b.Digits)},
		Common: is(acs.TypeRecognizeCompleted, result),
	}
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
