package api

import (
	"context"
	"net/http"

	"github.com/tipring/tipring/internal/acs"
	"github.com/tipring/tipring/internal/call"
	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/leg"
)

func (a *api) answer(ctx context.Context, x *exchange) (int, any, error) {
	cmd, err := answerCommand(x.body)
	if err != nil {
		return 0, nil, err
	}
	p, err := a.Calls.Answer(ctx, cmd)
	if err != nil {
		return 0, nil, err
	}
	x.chain = p.Correlation
	return http.StatusOK, spellProperties(p), nil
}

func answerCommand(body []byte) (call.Answer, error) {
	var q acs.AnswerRequest
	if err := decode(body, &q); err != nil {
		return call.Answer{}, err
	}
	cmd := call.Answer{Token: q.IncomingCallContext, Callback: q.CallbackURI, Context: q.OperationContext}
	if q.IncomingCallContext == "" {
		return cmd, missing("incomingCallContext")
	}
	if q.CallbackURI == "" {
		return cmd, missing("callbackUri")
	}
	if err := checkURL("callbackUri", q.CallbackURI, "http", "https"); err != nil {
		return cmd, err
	}
	if q.AnsweredBy != nil {
		cmd.AnsweredBy = q.AnsweredBy.ID
	}
	if t := q.Transcription; t != nil && t.StartTranscription {
		return cmd, &call.Error{Code: call.Unsupported, Field: "transcriptionOptions.startTranscription",
			Message: "transcription is not offered by this server yet"}
	}
	var err error
	cmd.Streaming, err = streaming(q.MediaStreaming)
	return cmd, err
}

func streaming(m *acs.MediaStreaming) (*call.Streaming, error) {
	if m == nil {
		return nil, nil
	}
	const field = "mediaStreamingOptions."
	for _, word := range []struct {
		name     string
		value    *string // replaced by the word as we spell it
		allowed  []string
		required bool
	}{
		{"transportType", &m.TransportType, acs.TransportTypes, true},
		{"audioChannelType", &m.AudioChannelType, acs.AudioChannelTypes, true},
		{"contentType", &m.ContentType, acs.ContentTypes, false},
		{"audioFormat", &m.AudioFormat, acs.AudioFormats, false},
	} {
		if *word.value == "" && word.required {
			return nil, missing(field + word.name)
		}
		var err error
		if *word.value, err = oneOf(field+word.name, *word.value, word.allowed); err != nil {
			return nil, err
		}
	}
	if m.TransportURL == "" {
		return nil, missing(field + "transportUrl")
	}
	if err := checkURL(field+"transportUrl", m.TransportURL, "ws", "wss"); err != nil {
		return nil, err
	}
	s := &call.Streaming{
		URL: m.TransportURL, Mixed: m.AudioChannelType == "mixed", Rate: 16000,
		StartAtOnce: m.StartMediaStreaming, Bidirectional: m.EnableBidirectional, Digits: m.EnableDTMFTones,
	}
	if m.AudioFormat == "pcm24KMono" {
		s.Rate = 24000
	}
	return s, nil
}

func (a *api) reject(ctx context.Context, x *exchange) (int, any, error) {
	token, cause, err := rejectCommand(x.body)
	if err == nil {
		err = a.Calls.Reject(ctx, token, cause)
	}
	return http.StatusNoContent, nil, err
}

func rejectCommand(body []byte) (token string, cause leg.Cause, err error) {
	var q acs.RejectRequest
	if err := decode(body, &q); err != nil {
		return "", 0, err
	}
	if q.IncomingCallContext == "" {
		return "", 0, missing("incomingCallContext")
	}
	reason, err := oneOf("callRejectReason", q.Reason, acs.RejectReasons)
	switch reason {
	case "busy":
		cause = leg.Busy
	case "forbidden":
		cause = leg.Forbidden
	default:
		cause = leg.Declined
	}
	return q.IncomingCallContext, cause, err
}

func (a *api) properties(ctx context.Context, x *exchange) (int, any, error) {
	p, err := a.Calls.Properties(ctx, x.param("id"))
	if err != nil {
		return 0, nil, err
	}
	x.chain = p.Correlation
	return http.StatusOK, spellProperties(p), nil
}

func (a *api) hangUp(ctx context.Context, x *exchange) (int, any, error) {
	return a.send(ctx, x, http.StatusNoContent, call.HangUp{})
}

func (a *api) terminate(ctx context.Context, x *exchange) (int, any, error) {
	return a.send(ctx, x, http.StatusNoContent, call.HangUp{ForEveryone: true})
}

// send gives a command to the connection of the path.
func (a *api) send(ctx context.Context, x *exchange, status int, cmd call.Command) (int, any, error) {
	id := x.param("id")
	if p, err := a.Calls.Properties(ctx, id); err == nil { // before: after a hang-up there is none
		x.chain = p.Correlation
	}
	return status, nil, a.Calls.Send(ctx, id, cmd)
}

func (a *api) participants(ctx context.Context, x *exchange) (int, any, error) {
	list, err := a.Calls.Participants(ctx, x.param("id"))
	if err != nil {
		return 0, nil, err
	}
	answer := acs.ParticipantsResponse{Value: make([]acs.CallParticipant, 0, len(list))}
	for _, p := range list {
		answer.Value = append(answer.Value, spellParticipant(p))
	}
	return http.StatusOK, answer, nil
}

func (a *api) participant(ctx context.Context, x *exchange) (int, any, error) {
	list, err := a.Calls.Participants(ctx, x.param("id"))
	if err != nil {
		return 0, nil, err
	}
	who := x.param("participant")
	for _, p := range list {
		if p.ID == who {
			return http.StatusOK, spellParticipant(p), nil
		}
	}
	return 0, nil, call.Errorf(call.NotFound, "participant %s is not in this call", clip(who))
}

func spellParticipant(p event.Participant) acs.CallParticipant {
	return acs.CallParticipant{Identifier: acs.Identify(p.ID), IsMuted: p.Muted, IsOnHold: p.OnHold}
}

var stateNames = map[call.State]string{
	call.Unknown:       acs.StateUnknown,
	call.Connecting:    acs.StateConnecting,
	call.Connected:     acs.StateConnected,
	call.Disconnecting: acs.StateDisconnecting,
	call.Disconnected:  acs.StateDisconnected,
}

func spellProperties(p call.Properties) acs.CallConnectionProperties {
	out := acs.CallConnectionProperties{
		CallConnectionID:    p.Connection,
		ServerCallID:        p.Call,
		CorrelationID:       p.Correlation,
		CallConnectionState: stateNames[p.State],
		CallbackURI:         p.Callback,
		Targets:             make([]acs.Identifier, 0, len(p.Targets)),
		SourceDisplayName:   p.DisplayName,
	}
	if out.CallConnectionState == "" {
		out.CallConnectionState = acs.StateUnknown
	}
	for _, id := range p.Targets {
		out.Targets = append(out.Targets, acs.Identify(id))
	}
	if p.Source != "" {
		source := acs.Identify(p.Source)
		out.Source = &source
	}
	if p.AnsweredBy != "" {
		out.AnsweredBy = &acs.User{ID: p.AnsweredBy}
	}
	return out
}
