package call

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/leg"
)

// memoVersion is the version of the memos that this program writes, and the
// only one that it reads. It rises with every change of what a memo or a number
// in it means.
const memoVersion = 1

// Why a memo is of no use.
var (
	errMemoVersion = errors.New("it is of another version of tipring")
	errMemoGarbled = errors.New("it is garbled")
)

// memo is what a restart needs of a call to say its last words truthfully, and
// nothing else: no prompt, no header, no token, nothing of sound. What has had
// its last word is not in it, and what has none (digits that are listened to,
// music for somebody on hold) never is.
type memo struct {
	Version     int              `json:"v"`
	Phase       phase            `json:"phase"`
	Correlation string           `json:"correlation"`
	Open        string           `json:"open,omitempty"`
	Caller      string           `json:"caller,omitempty"`
	TwoParty    bool             `json:"two,omitempty"`
	Started     time.Time        `json:"started,omitzero"`
	End         event.EndReason  `json:"end,omitempty"`
	EndedBy     string           `json:"endedBy,omitempty"`
	Connections []memoConnection `json:"connections,omitempty"`
	People      []memoPerson     `json:"people,omitempty"`
	Operations  []memoOperation  `json:"operations,omitempty"`
	Invitations []memoInvitation `json:"invitations,omitempty"`
	Transfers   []memoTransfer   `json:"transfers,omitempty"`
	Tapes       []memoTape       `json:"tapes,omitempty"`
}

type memoConnection struct {
	ID       string      `json:"id"`
	Callback string      `json:"callback,omitempty"`
	Context  string      `json:"context,omitempty"`
	Seq      uint64      `json:"seq,omitempty"`
	Leaving  bool        `json:"leaving,omitempty"`
	Stream   streamState `json:"stream,omitempty"`
	StreamOp memoAsk     `json:"streamOp,omitzero"`
}

type memoPerson struct {
	ID      string `json:"id"`
	Display string `json:"display,omitempty"`
}

// memoAsk is what every operation carries along.
type memoAsk struct {
	Context  string `json:"context,omitempty"`
	Callback string `json:"callback,omitempty"`
}

// memoOf is whose something is: a place in memo.Connections.
type memoOf struct {
	Connection int `json:"of,omitempty"`
	memoAsk
}

type memoOperation struct {
	Kind operationKind `json:"kind,omitempty"`
	memoOf
}

type memoInvitation struct {
	ID     string `json:"id"`
	Target string `json:"target"`
	memoOf
}

type memoTransfer struct {
	Who  string `json:"who"`
	From string `json:"from,omitempty"`
	memoOf
}

type memoTape struct {
	ID       string    `json:"id"`
	Callback string    `json:"callback,omitempty"`
	Mixed    bool      `json:"mixed,omitempty"`
	Started  time.Time `json:"started"`
	State    tapeState `json:"state,omitempty"`
	Opened   bool      `json:"opened,omitempty"`
}

// memo is what a restart needs of this call, as JSON; nil when it would have
// nothing to say: nothing has been promised, or all of it was kept.
func (m *Machine) memo() []byte {
	live := m.live()
	if m.phase == over || len(live) == 0 && len(m.tapes) == 0 && m.startedAt.IsZero() {
		return nil
	}
	d := memo{
		Version: memoVersion, Phase: m.phase, Correlation: m.Correlation, Open: m.Open,
		Caller: m.caller.ID, TwoParty: m.twoParty(), Started: m.startedAt.UTC(), End: m.end, EndedBy: m.endedBy,
	}
	for _, c := range live {
		d.Connections = append(d.Connections, memoConnection{
			c.id, c.callback, c.context, c.seq, c.leaving, c.stream, memoAsk(c.streamOp),
		})
	}
	if m.phase == established { // else they are not in yet, or have been said to be gone
		for _, p := range m.people {
			d.People = append(d.People, memoPerson{p.id, p.display})
		}
	}
	of := func(c *connection, op Operation) (memoOf, bool) {
		for i, other := range live {
			if other == c {
				return memoOf{i, memoAsk(op)}, true
			}
		}
		return memoOf{}, false
	}
	m.memoWork(&d, of)
	for _, r := range m.tapes {
		d.Tapes = append(d.Tapes, memoTape{r.id, r.callback, r.mixed, r.started.UTC(), r.state, r.opened})
	}
	b, err := json.Marshal(d)
	if err != nil {
		panic(err) // there is nothing in it that has no spelling
	}
	return b
}

// memoWork notes what has been accepted and has not ended.
func (m *Machine) memoWork(d *memo, of func(*connection, Operation) (memoOf, bool)) {
	for _, op := range m.queue {
		if o, ok := of(op.conn, op.Operation); ok {
			d.Operations = append(d.Operations, memoOperation{op.kind, o})
		}
	}
	for _, inv := range m.invitations {
		if o, ok := of(inv.conn, inv.Operation); ok && inv.why == toJoin {
			d.Invitations = append(d.Invitations, memoInvitation{inv.id, inv.target, o})
		}
	}
	for _, t := range m.transfers {
		if o, ok := of(t.conn, t.Operation); ok && !t.told {
			d.Transfers = append(d.Transfers, memoTransfer{t.who, t.from, o})
		}
	}
}

// restore makes a machine of a memo. It knows enough for one step: Restarted.
func restore(id string, text []byte) (*Machine, error) {
	var d memo
	err := json.Unmarshal(text, &d)
	switch {
	case d.Version != 0 && d.Version != memoVersion: // whatever else there is to say of it
		return nil, fmt.Errorf("read memo: %w: version %d, not %d", errMemoVersion, d.Version, memoVersion)
	case err != nil:
		return nil, fmt.Errorf("read memo: %w: %w", errMemoGarbled, err)
	case d.Version == 0:
		return nil, fmt.Errorf("read memo: %w: it has no version", errMemoGarbled)
	}
	m := &Machine{
		ID: id, Correlation: d.Correlation, Open: d.Open, phase: d.Phase,
		caller: leg.Party{ID: d.Caller}, startedAt: d.Started, end: d.End, endedBy: d.EndedBy,
	}
	if d.TwoParty {
		m.callees = []string{""} // whoever it was: they are named nowhere any more
	}
	for _, c := range d.Connections {
		m.connections = append(m.connections, &connection{
			id: c.ID, callback: c.Callback, context: c.Context, seq: c.Seq,
			leaving: c.Leaving, stream: c.Stream, streamOp: Operation(c.StreamOp),
		})
	}
	for _, p := range d.People {
		m.people = append(m.people, &participant{id: p.ID, display: p.Display})
	}
	for _, r := range d.Tapes {
		m.tapes = append(m.tapes, &tape{id: r.ID, callback: r.Callback, mixed: r.Mixed, started: r.Started, state: r.State, opened: r.Opened})
	}
	if err := m.restoreWork(&d); err != nil {
		return nil, fmt.Errorf("read memo: %w: %w", errMemoGarbled, err)
	}
	return m, nil
}

// restoreWork takes up what had not ended.
func (m *Machine) restoreWork(d *memo) error {
	var err error
	of := func(o memoOf) (*connection, Operation) {
		if o.Connection < 0 || o.Connection >= len(m.connections) {
			err = fmt.Errorf("connection %d of %d", o.Connection, len(m.connections))
			return nil, Operation{}
		}
		return m.connections[o.Connection], Operation(o.memoAsk)
	}
	for _, o := range d.Operations {
		op := &operation{kind: o.Kind}
		op.conn, op.Operation = of(o.memoOf)
		m.queue = append(m.queue, op)
	}
	for _, i := range d.Invitations {
		inv := &invitation{why: toJoin, id: i.ID, target: i.Target}
		inv.conn, inv.Operation = of(i.memoOf)
		m.invitations = append(m.invitations, inv)
	}
	for _, o := range d.Transfers {
		t := &transfer{who: o.Who, from: o.From}
		t.conn, t.Operation = of(o.memoOf)
		m.transfers = append(m.transfers, t)
	}
	return err
}
