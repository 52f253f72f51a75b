package server

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/tipring/tipring/internal/directory"
	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/sip"
)

// ErrUnreachable says that nobody is registered under that name, and no trunk
// takes it.
var ErrUnreachable error = unreachable{}

type unreachable struct{}

func (unreachable) Error() string { return "nobody to be reached under that name" }

// LegCause says so to leg.CauseOf.
func (unreachable) LegCause() leg.Cause { return leg.Unreachable }

// reach calls somebody: "4:+15550100" the telephone registered under that
// number, else the trunk; "8:acs:alice" whoever registered as alice. Of several
// telephones all ring, and the first to answer has the call.
//
// headers are SIP headers by their full name. Those that sip.VoIPHeader made
// are for registered telephones only: a trunk does not get them. An error wraps
// ErrUnreachable, or says why no INVITE could be sent (sip.ErrHeader,
// rtp.ErrNoPorts, sip.ErrNotRunning, …).
func (s *Server) reach(ctx context.Context, target string, from leg.Party, headers map[string]string, correlation string) (leg.Leg, error) {
	party := leg.Party{ID: target}
	var calls []sip.DialConfig
	for _, c := range s.phones.Directory.Lookup(time.Now(), target) {
		calls = append(calls, sip.DialConfig{
			Target: c.URI, Source: c.Source, Transport: c.Transport,
			Party: party, From: from, Headers: headers, CorrelationID: correlation,
		})
	}
	if len(calls) == 0 {
		number, trunk, ok := s.behindTrunk(target)
		if !ok {
			return nil, fmt.Errorf("call %q: %w", target, ErrUnreachable)
		}
		calls = append(calls, sip.DialConfig{
			Target: trunk.Target(number), Party: party, From: caller(from, trunk), Domain: domain(trunk),
			User: trunk.User, Password: trunk.Password, Headers: withoutVoIP(headers), CorrelationID: correlation,
		})
	}
	return s.phones.DialAny(ctx, calls)
}

// behindTrunk gives the trunk that a number is dialled through.
func (s *Server) behindTrunk(target string) (number string, trunk sip.Trunk, ok bool) {
	number, ok = strings.CutPrefix(target, "4:")
	if !ok || number == "" || len(s.phones.Trunks) == 0 {
		return "", sip.Trunk{}, false
	}
	return number, s.phones.Trunks[0], true
}

// caller is who calls, as the trunk is told: the calling number, else the
// account that we have there.
func caller(from leg.Party, trunk sip.Trunk) leg.Party {
	if from.ID == "" && trunk.User != "" {
		from.ID = sip.PartyOf(trunk.User).ID
	}
	return from
}

// domain is the host in From: a trunk that knows us by an account expects its
// own.
func domain(trunk sip.Trunk) string {
	if trunk.User == "" {
		return ""
	}
	return trunk.Host
}

// sipHeaders puts an application's SIP and VoIP headers together, for reach.
func sipHeaders(sipOnes, voip map[string]string) map[string]string {
	if len(voip) == 0 {
		return sipOnes
	}
	all := maps.Clone(sipOnes)
	if all == nil {
		all = map[string]string{}
	}
	for key, value := range voip {
		all[sip.VoIPHeader(key)] = value
	}
	return all
}

func withoutVoIP(headers map[string]string) map[string]string {
	kept := maps.Clone(headers)
	maps.DeleteFunc(kept, func(name, _ string) bool { return sip.IsVoIPHeader(name) })
	return kept
}

// resolve gives the SIP URI under which a telephone that is being transferred
// can call a party: the contact that was registered last, or the number at the
// trunk.
func (s *Server) resolve(_ context.Context, id string) (string, error) {
	if contacts := s.phones.Directory.Lookup(time.Now(), id); len(contacts) > 0 {
		return outside(contacts[len(contacts)-1]), nil
	}
	if number, trunk, ok := s.behindTrunk(id); ok {
		return trunk.Target(number), nil
	}
	return "", ErrUnreachable
}

// outside is the URI of a contact as others can reach it: a private address,
// though it registered from a public one, is behind a NAT, and gives way to
// that.
func outside(c directory.Contact) string {
	var uri sipgo.Uri
	if err := sipgo.ParseUri(c.URI, &uri); err != nil || !c.Source.IsValid() {
		return c.URI
	}
	ip, err := netip.ParseAddr(strings.Trim(uri.Host, "[]"))
	if err == nil && ip.IsPrivate() && !c.Source.Addr().IsPrivate() && !c.Source.Addr().IsLoopback() {
		uri.Host, uri.Port = c.Source.Addr().String(), int(c.Source.Port())
	}
	if !uri.UriParams.Has("transport") && c.Transport == "tcp" {
		uri.UriParams.Add("transport", "tcp")
	}
	return uri.String()
}
