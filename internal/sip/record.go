package sip

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"unicode"

	sipgo "github.com/emiago/sipgo/sip"
)

// recordVersion is that of the records that we write, and the only one that we
// read.
const recordVersion = 1

// maxRecord is the size of a record that may be read, in bytes. One of ours has
// about a thousand; the headers of a far end's INVITE may make it longer.
const maxRecord = 256 << 10

// The stages of a dialog that a record tells apart.
const (
	keptRinging   = "ringing"   // UAS: the INVITE has no final response
	keptAnswering = "answering" // UAS: our 2xx may have left, its ACK has not come
	keptCalling   = "calling"   // UAC: the INVITE has no final response
	keptUp        = "up"        // both sides have agreed
)

// errRecord says: not a record of ours, or of a version that we do not know.
var errRecord = errors.New("not a dialog record")

// A record is what the next process needs to end a dialog. Passwords are not in
// it: they are looked up again from the trunks.
type record struct {
	Version   int      `json:"v"`
	Stage     string   `json:"stage"`
	CallID    string   `json:"callId"`
	Local     keptEnd  `json:"local"`
	Remote    keptEnd  `json:"remote"`
	Target    string   `json:"target"` // the far end's Contact
	Routes    []string `json:"routes,omitempty"`
	Transport string   `json:"transport"`
	Peer      string   `json:"peer,omitempty"` // host:port that its messages come from
	Direct    bool     `json:"direct,omitempty"`
	Seq       uint32   `json:"seq"`              // of our last request that was recorded
	Invite    string   `json:"invite,omitempty"` // UAC: its headers, as long as it has no final response
	Final     string   `json:"final,omitempty"`  // UAS: the final response that the INVITE gets, as long as it lacks an ACK
	To        string   `json:"to,omitempty"`     // host:port that one of the two goes to
}

// A keptEnd is an end as it is recorded.
type keptEnd struct {
	Display string `json:"display,omitempty"`
	URI     string `json:"uri"`
	Tag     string `json:"tag,omitempty"`
}

func (e *end) kept() keptEnd { return keptEnd{e.display, e.uri.String(), e.tag} }

func (k *keptEnd) end() (e end, err error) {
	e = end{display: k.Display, tag: k.Tag}
	e.uri, err = readURI(k.URI)
	return e, err
}

// record is how the dialog stands.
func (d *dialog) record(stage string) *record {
	r := &record{
		Version: recordVersion, Stage: stage, CallID: d.callID,
		Local: d.local.kept(), Remote: d.remote.kept(), Target: d.target.String(),
		Transport: d.transport, Peer: d.peer, Direct: d.direct, Seq: d.seq,
	}
	for i := range d.routes {
		r.Routes = append(r.Routes, d.routes[i].String())
	}
	switch stage {
	case keptRinging:
		res := response(d.invite, 480, nil)
		r.Final, r.To = res.String(), res.Destination()
	case keptAnswering:
		r.Final, r.To = d.yes.String(), d.yes.Destination()
	case keptCalling:
		r.Invite = essence(d.invite)
		r.To = d.invite.Destination()
		r.Transport = d.invite.Transport()
	}
	return r
}

// essence is what an INVITE's CANCEL and ACK are made of.
func essence(invite *sipgo.Request) string {
	req := sipgo.NewRequest(invite.Method, invite.Recipient)
	for _, name := range []string{"Via", "Route", "From", "To", "Call-ID", "CSeq"} {
		sipgo.CopyHeaders(name, invite, req)
	}
	req.SetBody(nil)
	return req.String()
}

func (r *record) encode() []byte {
	text, err := json.Marshal(r)
	if err != nil {
		return nil // of strings and numbers: it cannot fail
	}
	return text
}

// readRecord reads what encode has written. Nothing in it is believed.
func readRecord(text []byte) (*record, error) {
	if len(text) > maxRecord {
		return nil, fmt.Errorf("%w: %d bytes", errRecord, len(text))
	}
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("%w: %w", errRecord, err)
	}
	switch {
	case r.Version != recordVersion:
		return nil, fmt.Errorf("%w: version %d", errRecord, r.Version)
	case r.CallID == "" || r.Local.Tag == "" || r.Remote.Tag == "" && r.Stage != keptCalling:
		return nil, fmt.Errorf("%w: it names no dialog", errRecord)
	case r.Transport != "UDP" && r.Transport != "TCP":
		return nil, fmt.Errorf("%w: transport %q", errRecord, clean(r.Transport, 8))
	case len(r.Routes) > maxHeaders:
		return nil, fmt.Errorf("%w: %d routes", errRecord, len(r.Routes))
	case unprintable(r.CallID, r.Local.Tag, r.Remote.Tag):
		return nil, fmt.Errorf("%w: control characters", errRecord)
	}
	switch r.Stage {
	case keptUp, keptAnswering, keptRinging, keptCalling:
		return &r, nil
	}
	return nil, fmt.Errorf("%w: stage %q", errRecord, clean(r.Stage, 16))
}

func unprintable(texts ...string) bool {
	for _, t := range texts {
		if strings.ContainsFunc(t, func(r rune) bool { return unicode.IsControl(r) || r == ' ' || r == '<' || r == '>' }) {
			return true
		}
	}
	return false
}

// readURI reads a URI that a request of ours is to hold.
func readURI(text string) (sipgo.Uri, error) {
	var u sipgo.Uri
	if unprintable(text) {
		return u, fmt.Errorf("%w: bad URI", errRecord)
	}
	if err := sipgo.ParseUri(text, &u); err != nil {
		return u, fmt.Errorf("%w: %w", errRecord, err)
	}
	return u, nil
}

// readInvite reads what essence has written.
func (r *record) readInvite() (*sipgo.Request, error) {
	if _, _, err := net.SplitHostPort(r.To); err != nil || unprintable(r.To) {
		return nil, fmt.Errorf("%w: bad address", errRecord)
	}
	m, err := sipgo.ParseMessage([]byte(r.Invite))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRecord, err)
	}
	req, ok := m.(*sipgo.Request)
	if !ok || req.Method != sipgo.INVITE {
		return nil, fmt.Errorf("%w: its INVITE is none", errRecord)
	}
	if code, reason := check(req); code != 0 {
		return nil, fmt.Errorf("%w: its INVITE: %s", errRecord, reason)
	}
	if _, err := sipgo.ParseMessage([]byte(essence(req))); err != nil {
		return nil, fmt.Errorf("%w: its INVITE: %w", errRecord, err)
	}
	if req.Via().Host == "" {
		return nil, fmt.Errorf("%w: its INVITE has no sender", errRecord)
	}
	req.SetTransport(r.Transport)
	return req, nil
}

// readFinal reads the response that an INVITE is to get.
func (r *record) readFinal() (*sipgo.Response, error) {
	if _, err := netip.ParseAddrPort(r.To); err != nil {
		return nil, fmt.Errorf("%w: %w", errRecord, err)
	}
	m, err := sipgo.ParseMessage([]byte(r.Final))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRecord, err)
	}
	res, ok := m.(*sipgo.Response)
	if !ok || res.IsProvisional() || !complete(res) || res.CSeq().MethodName != sipgo.INVITE || toTag(res) != r.Local.Tag {
		return nil, fmt.Errorf("%w: its final response is none", errRecord)
	}
	return res, nil
}

// complete reports whether a message has what every one has (RFC 3261 §8.1.1).
func complete(m sipgo.Message) bool {
	return m.Via() != nil && m.CSeq() != nil && m.CallID() != nil && m.From() != nil && m.To() != nil
}
