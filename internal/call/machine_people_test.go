package call_test

import (
	"fmt"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"github.com/tipring/tipring/internal/call"
	"github.com/tipring/tipring/internal/leg"
)

// peopleMoves are the moves of a call of several: who comes, who goes, who is
// heard, and which applications look on.
func (w *world) peopleMoves() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"add": func(*rapid.T) {
			w.command("add", func(op call.Operation) call.Command {
				return call.Add{Target: w.someone(), Invitation: "invitation-" + op.Context, Operation: op}
			})
		},
		"take an invitation back": func(*rapid.T) {
			w.command("cancel-add", func(op call.Operation) call.Command {
				return call.CancelAdd{Invitation: fmt.Sprint("invitation-add-", rapid.IntRange(0, w.contexts).Draw(w.t, "which")), Operation: op}
			})
		},
		"remove": func(*rapid.T) {
			w.command("remove", func(op call.Operation) call.Command { return call.Remove{Target: w.someone(), Operation: op} })
		},
		"mute": func(*rapid.T) {
			w.command("", func(op call.Operation) call.Command {
				return call.Mute{Targets: []string{w.someone()}, Off: w.chance(50, "off"), Operation: op}
			})
		},
		"hold": func(*rapid.T) {
			w.command("", func(op call.Operation) call.Command {
				h := call.Hold{Target: w.someone(), Off: w.chance(50, "off"), Operation: op}
				if w.chance(50, "music") {
					h.Music = &w.prompts(1)[0]
				}
				return h
			})
		},
		"play to one": func(*rapid.T) {
			w.command("play", func(op call.Operation) call.Command {
				return call.Play{Sources: w.prompts(1), Targets: []string{w.someone()}, Loop: w.chance(20, "loop"), Operation: op}
			})
		},
		"send tones": func(*rapid.T) {
			w.command("tones", func(op call.Operation) call.Command {
				return call.SendTones{Target: w.someone(), Tones: "12", Operation: op}
			})
		},
		"transfer": func(*rapid.T) {
			w.command("transfer", func(op call.Operation) call.Command {
				cmd := call.Transfer{Target: "8:acs:zoe", Operation: op}
				if w.chance(70, "somebody in particular") {
					cmd.Transferee = w.someone()
				}
				return cmd
			})
		},
		"move here": func(*rapid.T) {
			w.command("move", func(op call.Operation) call.Command {
				return call.Move{Targets: []string{w.someone()}, From: "another", Operation: op}
			})
		},
		"move away": func(*rapid.T) {
			w.step(call.DepartRequest{Ask: w.ask("", ""), Participant: w.someone()})
		},
		"connect": func(*rapid.T) {
			id := "other"
			if w.m.Open != "" && !w.connected["connection"] {
				id = "connection"
			}
			if !w.connected[id] {
				w.connected[id] = true
				w.step(call.ConnectRequest{Ask: w.ask("connection "+id, ""), Connection: id, Connect: call.Connect{
					Callback: "http://other/cb", Streaming: &call.Streaming{URL: "ws://other", StartAtOnce: w.chance(50, "at once")},
				}})
			}
		},
		"redirect": func(*rapid.T) {
			if w.chance(20, "really") {
				w.step(call.RedirectRequest{Ask: w.ask("", ""), Redirect: call.Redirect{Targets: []string{"8:acs:bob", "8:acs:carol"}}})
			}
		},
		"walk in": func(*rapid.T) {
			if w.m.Open != "" {
				w.lastLeg++
				w.step(call.WalkIn{Leg: w.lastLeg, Who: leg.Party{ID: w.someone()}})
			}
		},
		"somebody hangs up": func(*rapid.T) {
			if ids := w.inRoom(); len(ids) > 0 && w.chance(20, "really") {
				w.step(call.LegHappened{Leg: rapid.SampledFrom(ids).Draw(w.t, "who"), Event: leg.Ended{ByFarEnd: true}})
			}
		},
	}
}

// inRoom are the legs that are plugged in.
func (w *world) inRoom() []call.LegID { return slices.Sorted(maps.Keys(w.plugged)) }

// settle pays one of the world's debts.
func (w *world) settle(which int) {
	if len(w.pending) == 0 {
		return
	}
	i := which % len(w.pending)
	if id := legOf(w.pending[i]); id != 0 { // of one leg, everything comes in order
		i = slices.IndexFunc(w.pending, func(in call.Input) bool { return legOf(in) == id })
	}
	in := w.pending[i]
	w.pending = append(w.pending[:i:i], w.pending[i+1:]...)
	w.step(in)
}

func legOf(in call.Input) call.LegID {
	switch in := in.(type) {
	case call.LegArrived:
		return in.Leg
	case call.LegHappened:
		return in.Leg
	case call.AnswerDone:
		return in.Leg
	}
	return 0
}
