package webhook

import (
	"github.com/tipring/tipring/internal/acs"
	"github.com/tipring/tipring/internal/event"
)

func endResult(r event.EndReason) acs.Result {
	switch r {
	case event.EndedByApp:
		return acs.EndedByApp
	case event.EndedByCaller:
		return acs.EndedByCaller
	case event.EndedOther:
		return acs.EndedOther
	case event.EndedTimeout:
		return acs.EndedTimeout
	case event.EndedShutdown:
		return acs.EndedShutdown
	case event.EndedLast:
		return acs.EndedLast
	case event.EndedRestart:
		return acs.Restarted
	}
	return acs.EndedFailed
}

func answerResult(r event.EndReason) acs.Result {
	switch r {
	case event.EndedFailed:
		return acs.EndedFailed
	case event.EndedShutdown:
		return acs.EndedShutdown
	case event.EndedRestart:
		return acs.Restarted
	}
	return acs.AnswerEnded
}

func inviteResult(c event.InviteCause) acs.Result {
	switch c {
	case event.InviteDeclined:
		return acs.InviteDeclined
	case event.InviteBusy:
		return acs.InviteBusy
	case event.InviteNoAnswer:
		return acs.InviteNoAnswer
	case event.InviteUnreachable:
		return acs.InviteUnreachable
	case event.InviteCanceled:
		return acs.InviteCanceled
	case event.InviteRestart:
		return acs.Restarted
	}
	return acs.InviteFailed
}

func playResult(c event.PlayCause) acs.Result {
	switch c {
	case event.PlayBadFormat:
		return acs.PlayBadFormat
	case event.PlayUnreachable:
		return acs.PlayUnreachable
	case event.PlayNoSpeech:
		return acs.PlayNoSpeech
	case event.PlayRestart:
		return acs.Restarted
	}
	return acs.PlayInternal
}

func tonesResult(b event.TonesFailed) acs.Result {
	switch {
	case b.Canceled:
		return acs.ResultCanceled
	case b.Restart:
		return acs.Restarted
	}
	return acs.TonesFailed
}

func moveResult(b event.MoveFailed) acs.Result {
	if b.Restart {
		return acs.Restarted
	}
	return acs.NotMoved
}

// streamResult is also how the status of a stream is spelled.
func streamResult(c event.StreamCause) (update acs.StreamingUpdate, result acs.Result) {
	switch c {
	case event.StreamUnreachable:
		return acs.StreamingUnreachable, acs.StreamUnreachable
	case event.StreamRestart:
		return acs.StreamingBroken, acs.Restarted
	}
	return acs.StreamingBroken, acs.StreamBroken
}

// recognizeResult says of a prompt that failed also why it did.
func recognizeResult(b event.RecognizeFailed) acs.Result {
	switch b.Cause {
	case event.RecognizeInitialSilence:
		return acs.RecognizeInitialSilence
	case event.RecognizeInterDigit:
		return acs.RecognizeInterDigit
	case event.RecognizeWrongTone:
		return acs.RecognizeWrongTone
	case event.RecognizePromptFailed:
		result := acs.RecognizePromptFailed
		result.Message += " " + playResult(b.Play).Message
		return result
	case event.RecognizeRestart:
		return acs.Restarted
	}
	return acs.RecognizeInternal
}
