package api

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/tipring/tipring/internal/acs"
	"github.com/tipring/tipring/internal/call"
	"github.com/tipring/tipring/internal/event"
)

func (a *api) participants(ctx context.Context, x *exchange) (int, any, error) {
	after, err := readSkip(x.request.URL.Query().Get(skipToken))
	if err != nil {
		return 0, nil, err
	}
	list, err := a.Calls.Participants(ctx, x.param("id"))
	if err != nil {
		return 0, nil, err
	}
	list, next := page(list, after)
	answer := acs.ParticipantsResponse{Value: make([]acs.CallParticipant, 0, len(list))}
	for _, p := range list {
		answer.Value = append(answer.Value, spellParticipant(p))
	}
	if next != nil {
		answer.NextLink = nextLink(x.request, *next)
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

func (a *api) add(ctx context.Context, x *exchange) (int, any, error) {
	cmd, err := addCommand(x.body)
	if err != nil {
		return 0, nil, err
	}
	return a.sendAnswered(ctx, x, http.StatusAccepted, cmd, acs.AddParticipantResponse{
		Participant:      acs.CallParticipant{Identifier: acs.Identify(cmd.Target)},
		OperationContext: cmd.Context, InvitationID: cmd.Invitation,
	})
}

func addCommand(body []byte) (cmd call.Add, err error) {
	var q acs.AddParticipantRequest
	if err = decode(body, &q); err != nil {
		return cmd, err
	}
	if cmd.Target, err = participant("participantToAdd", q.Participant); err != nil {
		return cmd, err
	}
	cmd.Invitation, cmd.Display = q.InvitationID, q.SourceDisplayName
	if cmd.Invitation == "" {
		cmd.Invitation = uuid.NewString()
	}
	if err = plain("sourceDisplayName", cmd.Display); err != nil {
		return cmd, err
	}
	if cmd.From, err = callerID(q.CallerID); err != nil {
		return cmd, err
	}
	seconds, err := inRange("invitationTimeoutInSeconds", q.Timeout, 0, 0, acs.MaxInvitation)
	if err != nil {
		return cmd, err
	}
	cmd.Timeout = time.Duration(seconds) * time.Second
	if cmd.Headers, err = headers(q.Custom); err != nil {
		return cmd, err
	}
	cmd.Operation, err = operationOf(q.Operation)
	return cmd, err
}

func (a *api) cancelAdd(ctx context.Context, x *exchange) (int, any, error) {
	var q acs.CancelAddRequest
	if err := decode(x.body, &q); err != nil {
		return 0, nil, err
	}
	if q.InvitationID == "" {
		return 0, nil, missing("invitationId")
	}
	op, err := operationOf(q.Operation)
	if err != nil {
		return 0, nil, err
	}
	return a.sendAnswered(ctx, x, http.StatusAccepted, call.CancelAdd{Invitation: q.InvitationID, Operation: op},
		acs.CancelAddResponse{InvitationID: q.InvitationID, OperationContext: op.Context})
}

func (a *api) removeParticipant(ctx context.Context, x *exchange) (int, any, error) {
	var q acs.RemoveParticipantRequest
	if err := decode(x.body, &q); err != nil {
		return 0, nil, err
	}
	who, err := participant("participantToRemove", q.Participant)
	if err != nil {
		return 0, nil, err
	}
	op, err := operationOf(q.Operation)
	if err != nil {
		return 0, nil, err
	}
	return a.sendAnswered(ctx, x, http.StatusAccepted, call.Remove{Target: who, Operation: op},
		acs.OperationResponse{OperationContext: op.Context})
}

func (a *api) mute(ctx context.Context, x *exchange) (int, any, error) {
	return a.turnMute(ctx, x, false)
}

func (a *api) unmute(ctx context.Context, x *exchange) (int, any, error) {
	return a.turnMute(ctx, x, true)
}

func (a *api) turnMute(ctx context.Context, x *exchange, off bool) (int, any, error) {
	var q acs.MuteRequest
	if err := decode(x.body, &q); err != nil {
		return 0, nil, err
	}
	who, err := some("targetParticipants", q.Targets)
	if err != nil {
		return 0, nil, err
	}
	cmd := call.Mute{Targets: who, Off: off, Operation: call.Operation{Context: q.OperationContext}}
	return a.sendAnswered(ctx, x, http.StatusOK, cmd, acs.OperationResponse{OperationContext: q.OperationContext})
}

func (a *api) move(ctx context.Context, x *exchange) (int, any, error) {
	var q acs.MoveRequest
	if err := decode(x.body, &q); err != nil {
		return 0, nil, err
	}
	who, err := some("targetParticipants", q.Targets)
	if err != nil {
		return 0, nil, err
	}
	if q.FromCall == "" {
		return 0, nil, missing("fromCall")
	}
	op, err := operationOf(q.Operation)
	if err != nil {
		return 0, nil, err
	}
	answer := acs.MoveResponse{OperationContext: op.Context, FromCall: q.FromCall}
	for _, id := range who {
		answer.Participants = append(answer.Participants, acs.CallParticipant{Identifier: acs.Identify(id)})
	}
	return a.sendAnswered(ctx, x, http.StatusAccepted, call.Move{Targets: who, From: q.FromCall, Operation: op}, answer)
}
