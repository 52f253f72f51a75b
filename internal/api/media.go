package api

import (
	"context"
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/tipring/tipring/internal/acs"
	"github.com/tipring/tipring/internal/call"
)

func (a *api) play(ctx context.Context, x *exchange) (int, any, error) {
	cmd, err := playCommand(x.body)
	if err != nil {
		return 0, nil, err
	}
	return a.send(ctx, x, http.StatusAccepted, cmd)
}

func playCommand(body []byte) (cmd call.Play, err error) {
	var q acs.PlayRequest
	if err = decode(body, &q); err != nil {
		return cmd, err
	}
	if len(q.PlaySources) == 0 {
		return cmd, missing("playSources")
	}
	cmd.Interrupt = q.Interrupt
	cmd.Loop = q.PlayOptions != nil && q.PlayOptions.Loop
	if cmd.Sources, err = prompts("playSources", q.PlaySources); err != nil {
		return cmd, err
	}
	if cmd.Targets, err = participants("playTo", q.PlayTo); err != nil {
		return cmd, err
	}
	cmd.Operation, err = operationOf(q.Operation)
	return cmd, err
}

func prompts(field string, sources []acs.PlaySource) ([]call.Prompt, error) {
	list := make([]call.Prompt, 0, len(sources))
	for i, s := range sources {
		p, err := prompt(fmt.Sprintf("%s[%d]", field, i), s)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

func prompt(field string, s acs.PlaySource) (call.Prompt, error) {
	p := call.Prompt{CacheID: s.CacheID}
	if s.Kind == "" {
		return p, missing(field + ".kind")
	}
	kind, err := oneOf(field+".kind", s.Kind, acs.PlaySourceKinds)
	if err != nil {
		return p, err
	}
	switch kind {
	case "file":
		if s.File == nil || s.File.URI == "" {
			return p, missing(field + ".file.uri")
		}
		p.URI = s.File.URI
		return p, checkURL(field+".file.uri", p.URI, "http", "https")
	case "text":
		if s.Text == nil || s.Text.Text == "" {
			return p, missing(field + ".text.text")
		}
		if n := utf8.RuneCountInString(s.Text.Text); n > acs.MaxText {
			return p, invalid(field+".text.text", "has %d characters; allowed: %d", n, acs.MaxText)
		}
		p.Text, p.Voice, p.Locale = s.Text.Text, s.Text.VoiceName, s.Text.SourceLocale
		_, err = oneOf(field+".text.voiceKind", s.Text.VoiceKind, acs.VoiceKinds)
		return p, err
	default:
		if s.SSML == nil || s.SSML.SSMLText == "" {
			return p, missing(field + ".ssml.ssmlText")
		}
		p.SSML = s.SSML.SSMLText
		return p, nil
	}
}

func (a *api) listenTones(ctx context.Context, x *exchange) (int, any, error) {
	target, op, err := continuous(x.body)
	if err != nil {
		return 0, nil, err
	}
	return a.send(ctx, x, http.StatusOK, call.ListenTones{Target: target, Operation: op})
}

func (a *api) stopTones(ctx context.Context, x *exchange) (int, any, error) {
	target, op, err := continuous(x.body)
	if err != nil {
		return 0, nil, err
	}
	return a.send(ctx, x, http.StatusOK, call.StopTones{Target: target, Operation: op})
}

func continuous(body []byte) (target string, op call.Operation, err error) {
	var q acs.ContinuousDTMFRequest
	if err = decode(body, &q); err != nil {
		return "", op, err
	}
	if target, err = participant("targetParticipant", q.Target); err != nil {
		return "", op, err
	}
	op, err = operationOf(q.Operation)
	return target, op, err
}

func (a *api) cancelAll(ctx context.Context, x *exchange) (int, any, error) {
	return a.send(ctx, x, http.StatusAccepted, call.CancelAll{})
}

func (a *api) sendTones(ctx context.Context, x *exchange) (int, any, error) {
	cmd, err := sendTonesCommand(x.body)
	if err != nil {
		return 0, nil, err
	}
	return a.sendAnswered(ctx, x, http.StatusAccepted, cmd, acs.OperationResponse{OperationContext: cmd.Context})
}

func sendTonesCommand(body []byte) (cmd call.SendTones, err error) {
	var q acs.SendTonesRequest
	if err = decode(body, &q); err != nil {
		return cmd, err
	}
	if len(q.Tones) == 0 {
		return cmd, missing("tones")
	}
	if len(q.Tones) > acs.MaxSendTones {
		return cmd, invalid("tones", "has %d tones; allowed: %d", len(q.Tones), acs.MaxSendTones)
	}
	if cmd.Tones, err = symbols("tones", q.Tones); err != nil {
		return cmd, err
	}
	if cmd.Target, err = participant("targetParticipant", q.Target); err != nil {
		return cmd, err
	}
	cmd.Operation, err = operationOf(q.Operation)
	return cmd, err
}

func (a *api) hold(ctx context.Context, x *exchange) (int, any, error) {
	cmd, music, err := holdCommand(x.body)
	if err != nil {
		return 0, nil, err
	}
	if music != nil {
		source, err := prompt("playSourceInfo", *music)
		if err != nil {
			return 0, nil, err
		}
		cmd.Music = &source
	}
	return a.send(ctx, x, http.StatusOK, cmd)
}

func (a *api) unhold(ctx context.Context, x *exchange) (int, any, error) {
	cmd, _, err := holdCommand(x.body)
	if err != nil {
		return 0, nil, err
	}
	cmd.Off = true
	return a.send(ctx, x, http.StatusOK, cmd)
}

func holdCommand(body []byte) (cmd call.Hold, music *acs.PlaySource, err error) {
	var q acs.HoldRequest
	if err = decode(body, &q); err != nil {
		return cmd, nil, err
	}
	if cmd.Target, err = participant("targetParticipant", q.Target); err != nil {
		return cmd, nil, err
	}
	cmd.Operation, err = operationOf(q.Operation)
	return cmd, q.Music, err
}

func (a *api) startStreaming(ctx context.Context, x *exchange) (int, any, error) {
	op, err := optionalOperation(x.body)
	if err != nil {
		return 0, nil, err
	}
	return a.send(ctx, x, http.StatusAccepted, call.StartStreaming{Operation: op})
}

func (a *api) stopStreaming(ctx context.Context, x *exchange) (int, any, error) {
	op, err := optionalOperation(x.body)
	if err != nil {
		return 0, nil, err
	}
	return a.send(ctx, x, http.StatusAccepted, call.StopStreaming{Operation: op})
}

// optionalOperation reads a body in which nothing is required: there may be
// none.
func optionalOperation(body []byte) (call.Operation, error) {
	var q acs.MediaStreamingRequest
	if len(body) > 0 {
		if err := decode(body, &q); err != nil {
			return call.Operation{}, err
		}
	}
	return operationOf(q.Operation)
}
