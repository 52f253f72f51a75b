package api

import (
	"context"
	"net/http"

	"github.com/tipring/tipring/internal/acs"
	"github.com/tipring/tipring/internal/call"
)

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

func (a *api) transfer(ctx context.Context, x *exchange) (int, any, error) {
	cmd, err := transferCommand(x.body)
	if err != nil {
		return 0, nil, err
	}
	return a.sendAnswered(ctx, x, http.StatusAccepted, cmd, acs.OperationResponse{OperationContext: cmd.Context})
}

func transferCommand(body []byte) (cmd call.Transfer, err error) {
	var q acs.TransferRequest
	if err = decode(body, &q); err != nil {
		return cmd, err
	}
	if cmd.Target, err = participant("targetParticipant", q.Target); err != nil {
		return cmd, err
	}
	if q.Transferee != nil {
		if cmd.Transferee, err = participant("transferee", q.Transferee); err != nil {
			return cmd, err
		}
	}
	if cmd.From, err = callerID(q.CallerID); err != nil {
		return cmd, err
	}
	if cmd.Headers, err = headers(q.Custom); err != nil {
		return cmd, err
	}
	cmd.Operation, err = operationOf(q.Operation)
	return cmd, err
}

// send gives a command to the connection of the path. The answer has no body.
func (a *api) send(ctx context.Context, x *exchange, status int, cmd call.Command) (int, any, error) {
	return a.sendAnswered(ctx, x, status, cmd, nil)
}

// sendAnswered is send, with the body of a success.
func (a *api) sendAnswered(ctx context.Context, x *exchange, status int, cmd call.Command, body any) (int, any, error) {
	id := x.param("id")
	if p, err := a.Calls.Properties(ctx, id); err == nil { // before: after a hang-up there is none
		x.chain = p.Correlation
	}
	return status, body, a.Calls.Send(ctx, id, cmd)
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
