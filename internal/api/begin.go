package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/tipring/tipring/internal/acs"
	"github.com/tipring/tipring/internal/call"
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
	var err error
	if cmd.AnsweredBy, err = user("answeredBy", q.AnsweredBy); err != nil {
		return cmd, err
	}
	cmd.Streaming, err = ears(q.CallbackURI, q.MediaStreaming, q.Transcription)
	return cmd, err
}

// ears checks what answer, create and connect have in common: where events go,
// and who is to hear the call.
func ears(callback string, m *acs.MediaStreaming, t *acs.TranscriptionOptions) (*call.Streaming, error) {
	if callback == "" {
		return nil, missing("callbackUri")
	}
	if err := checkURL("callbackUri", callback, "http", "https"); err != nil {
		return nil, err
	}
	if t != nil && t.StartTranscription {
		return nil, noSpeech("transcriptionOptions.startTranscription", "transcription")
	}
	return streaming(m)
}

func (a *api) create(ctx context.Context, x *exchange) (int, any, error) {
	cmd, q, err := createCommand(x.body)
	if err != nil {
		return 0, nil, err
	}
	p, err := a.Calls.Create(ctx, cmd)
	if err != nil {
		return 0, nil, err
	}
	x.chain = p.Correlation
	answer := spellProperties(p)
	answer.ServerCallID = "" // it has none yet, and rings: so the service answers
	answer.CallConnectionState = acs.StateConnecting
	answer.CallerID = q.CallerID
	if q.Source != nil {
		source := acs.Identify(q.Source.ID)
		answer.Source = &source
	}
	return http.StatusCreated, answer, nil
}

func createCommand(body []byte) (cmd call.Create, q acs.CreateCallRequest, err error) {
	if err = decode(body, &q); err != nil {
		return cmd, q, err
	}
	cmd = call.Create{Display: q.SourceDisplayName, Callback: q.CallbackURI, Context: q.OperationContext}
	if len(q.Targets) == 0 {
		return cmd, q, missing("targets")
	}
	if cmd.Targets, err = distinct("targets", q.Targets); err != nil {
		return cmd, q, err
	}
	if q.TeamsAppSource != nil {
		return cmd, q, unsupported("teamsAppSource", "Microsoft Teams")
	}
	source, err := user("source", q.Source)
	if err != nil {
		return cmd, q, err
	}
	if cmd.From, err = callerID(q.CallerID); err != nil {
		return cmd, q, err
	}
	cmd.From = cmp.Or(cmd.From, source)
	if err = plain("sourceDisplayName", cmd.Display); err != nil {
		return cmd, q, err
	}
	if cmd.Headers, err = headers(q.Custom); err != nil {
		return cmd, q, err
	}
	cmd.Streaming, err = ears(q.CallbackURI, q.MediaStreaming, q.Transcription)
	return cmd, q, err
}

func (a *api) connect(ctx context.Context, x *exchange) (int, any, error) {
	cmd, err := connectCommand(x.body)
	if err != nil {
		return 0, nil, err
	}
	p, err := a.Calls.Connect(ctx, cmd)
	if err != nil {
		return 0, nil, err
	}
	x.chain = p.Correlation
	return http.StatusOK, spellProperties(p), nil
}

func connectCommand(body []byte) (call.Connect, error) {
	var q acs.ConnectRequest
	if err := decode(body, &q); err != nil {
		return call.Connect{}, err
	}
	cmd := call.Connect{Callback: q.CallbackURI, Context: q.OperationContext}
	l := q.CallLocator
	kind, err := locatorKind(l)
	if err != nil {
		return cmd, err
	}
	field := "callLocator.serverCallId"
	switch kind {
	case acs.LocatorGroup:
		field, cmd.Group = "callLocator.groupCallId", l.GroupCallID
	case acs.LocatorRoom:
		field, cmd.Room = "callLocator.roomId", l.RoomID
	default:
		cmd.Call = l.ServerCallID
	}
	if cmd.Group+cmd.Room+cmd.Call == "" {
		return cmd, missing(field)
	}
	cmd.Streaming, err = ears(q.CallbackURI, q.MediaStreaming, q.Transcription)
	return cmd, err
}

func (a *api) redirect(ctx context.Context, x *exchange) (int, any, error) {
	cmd, err := redirectCommand(x.body)
	if err == nil {
		err = a.Calls.Redirect(ctx, cmd)
	}
	return http.StatusNoContent, nil, err
}

func redirectCommand(body []byte) (call.Redirect, error) {
	var q acs.RedirectRequest
	if err := decode(body, &q); err != nil {
		return call.Redirect{}, err
	}
	cmd := call.Redirect{Token: q.IncomingCallContext}
	if cmd.Token == "" {
		return cmd, missing("incomingCallContext")
	}
	if q.Target == nil && len(q.Targets) == 0 {
		return cmd, missing("target")
	}
	var err error
	if cmd.Targets, err = distinct("targets", q.Targets); err != nil {
		return cmd, err
	}
	if q.Target != nil {
		first, err := participant("target", q.Target)
		if err != nil {
			return cmd, err
		}
		if !slices.Contains(cmd.Targets, first) {
			cmd.Targets = slices.Insert(cmd.Targets, 0, first)
		}
	}
	cmd.Headers, err = headers(q.Custom)
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
