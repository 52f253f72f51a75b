package api

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tipring/tipring/internal/acs"
	"github.com/tipring/tipring/internal/call"
)

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
	if input == "speech" || input == "speechOrDtmf" {
		return cmd, noSpeech("recognizeInputType", input)
	}
	if cmd.Prompts, err = recognizePrompts(q); err != nil {
		return cmd, err
	}
	cmd.Interrupt = q.Interrupt
	if err = recognizeOptions(&cmd, input, q.Options); err != nil {
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

func recognizeOptions(cmd *call.Recognize, input string, o *acs.RecognizeOptions) (err error) {
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
	if input == "choices" {
		return choices(cmd, field+"choices", o.Choices)
	}
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
	cmd.StopTones, err = symbols(field+".stopTones", o.StopTones)
	return err
}

// symbols are the keys that tones name.
func symbols(field string, tones []string) (string, error) {
	keys := make([]byte, 0, len(tones))
	for i, tone := range tones {
		key, err := symbol(fmt.Sprintf("%s[%d]", field, i), tone)
		if err != nil {
			return "", err
		}
		keys = append(keys, key)
	}
	return string(keys), nil
}

func symbol(field, tone string) (byte, error) {
	tone, err := oneOf(field, tone, acs.Tones)
	if err != nil {
		return 0, err
	}
	key, err := acs.Symbol(tone)
	if err != nil {
		return 0, invalid(field, "%s", err)
	}
	return key, nil
}

// choices are what a recognition of choices waits for. Without a speech engine
// only their tones can be: a request in which none has one is refused, because
// it could never be met.
func choices(cmd *call.Recognize, field string, list []acs.Choice) error {
	if len(list) == 0 {
		return missing(field)
	}
	if len(list) > acs.MaxChoices {
		return invalid(field, "has %d choices; allowed: %d", len(list), acs.MaxChoices)
	}
	tones := ""
	for i, c := range list {
		one := fmt.Sprintf("%s[%d]", field, i)
		if c.Label == "" {
			return missing(one + ".label")
		}
		if slices.ContainsFunc(cmd.Choices, func(o call.Choice) bool { return o.Label == c.Label }) {
			return invalid(one+".label", "%q is the label of two choices", clip(c.Label))
		}
		choice := call.Choice{Label: c.Label, Phrases: c.Phrases}
		if c.Tone != "" {
			key, err := symbol(one+".tone", c.Tone)
			if err != nil {
				return err
			}
			if strings.IndexByte(tones, key) >= 0 {
				return invalid(one+".tone", "%s is the tone of two choices", c.Tone)
			}
			choice.Tone, tones = key, tones+string(key)
		} else if len(c.Phrases) == 0 {
			return invalid(one, "has neither phrases nor a tone")
		}
		cmd.Choices = append(cmd.Choices, choice)
	}
	if tones == "" {
		return noSpeech(field, "a choice by phrase")
	}
	cmd.MaxTones, cmd.InterTone = 1, acs.DefaultInterTone*time.Second
	return nil
}
