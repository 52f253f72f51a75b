package api

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"time"
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

func (a *api) recognize(ctx context.Context, x *exchange) (int, any, error) {
	cmd, err := recognizeCommand(x.body)
	if err != nil {
		return 0, nil, err
	}
	return a.send(ctx, x, http.StatusAccepted, cmd)
}

func recognizeCommand(body []byte) (cmd call.Recognize, err error) {
	var q acs.RecognizeRequest
	if err = decode(body, &q); err != nil {
		return cmd, err
	}
	if q.InputType == "" {
		return cmd, missing("recognizeInputType")
	}
	input, err := oneOf("recognizeInputType", q.InputType, acs.RecognizeInputTypes)
	if err != nil {
		return cmd, err
	}
	if input != "dtmf" {
		return cmd, &call.Error{Code: call.Unsupported, Field: "recognizeInputType",
			Message: fmt.Sprintf("recognizeInputType: %s is not offered by this server yet; dtmf is", input)}
	}
	if cmd.Prompts, err = recognizePrompts(q); err != nil {
		return cmd, err
	}
	cmd.Interrupt = q.Interrupt
	if err = recognizeOptions(&cmd, q.Options); err != nil {
		return cmd, err
	}
	cmd.Operation, err = operationOf(q.Operation)
	return cmd, err
}

// recognizePrompts are the many prompts of a request, or else its one, or none.
func recognizePrompts(q acs.RecognizeRequest) ([]call.Prompt, error) {
	if len(q.PlayPrompts) > 0 || q.PlayPrompt == nil {
		return prompts("playPrompts", q.PlayPrompts)
	}
	p, err := prompt("playPrompt", *q.PlayPrompt)
	return []call.Prompt{p}, err
}

func recognizeOptions(cmd *call.Recognize, o *acs.RecognizeOptions) (err error) {
	const field = "recognizeOptions."
	if o == nil {
		return missing("recognizeOptions")
	}
	if cmd.Target, err = participant(field+"targetParticipant", o.Target); err != nil {
		return err
	}
	silence, err := inRange(field+"initialSilenceTimeoutInSeconds", o.InitialSilence, acs.DefaultInitialSilence, 0, 300)
	if err != nil {
		return err
	}
	cmd.InitialSilence = time.Duration(silence) * time.Second
	cmd.BargeIn = o.InterruptPrompt == nil || *o.InterruptPrompt
	return dtmfOptions(cmd, field+"dtmfOptions", o.DTMF)
}

func dtmfOptions(cmd *call.Recognize, field string, o *acs.DTMFOptions) error {
	if o == nil {
		return missing(field)
	}
	pause, err := inRange(field+".interToneTimeoutInSeconds", o.InterTone, acs.DefaultInterTone, 1, 60)
	if err != nil {
		return err
	}
	cmd.InterTone = time.Duration(pause) * time.Second
	if o.MaxTones == nil {
		return missing(field + ".maxTonesToCollect")
	}
	if cmd.MaxTones = *o.MaxTones; cmd.MaxTones < 1 || cmd.MaxTones > math.MaxInt32 {
		return invalid(field+".maxTonesToCollect", "%d is out of range; at least 1 is needed", cmd.MaxTones)
	}
	symbols := make([]byte, 0, len(o.StopTones))
	for i, tone := range o.StopTones {
		name := fmt.Sprintf("%s.stopTones[%d]", field, i)
		if tone, err = oneOf(name, tone, acs.Tones); err != nil {
			return err
		}
		symbol, err := acs.Symbol(tone)
		if err != nil {
			return invalid(name, "%s", err)
		}
		symbols = append(symbols, symbol)
	}
	cmd.StopTones = string(symbols)
	return nil
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
