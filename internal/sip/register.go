package sip

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/tipring/tipring/internal/directory"
)

// The lifetimes of a registration, in seconds.
const (
	minExpires     = 60
	maxExpires     = 7200
	defaultExpires = 3600
)

// register takes a REGISTER (RFC 3261 §10.3).
func (s *Server) register(req *sipgo.Request, tx *sipgo.ServerTx) {
	from := source(req)
	name := userOf(&req.To().Address)
	open := s.OpenLoopback && from.IsLoopback() && len(s.Users) == 0
	if open {
		s.tcp.welcome(req.Source())
	} else {
		user, ok := s.identify(req, tx)
		if !ok {
			return
		}
		if user != name {
			s.refuse(req, tx, 403, "register for another")
			return
		}
	}
	switch {
	case s.Directory == nil:
		s.refuse(req, tx, 405, "no registrar")
	case name == "":
		s.refuse(req, tx, 404, "register without a name")
	case required(req) != "":
		s.refuse(req, tx, 420, "extension", sipgo.NewHeader("Unsupported", required(req)))
	default:
		s.bind(req, tx, partyID(name))
	}
}

// bind changes what is registered, and answers with what is then.
func (s *Server) bind(req *sipgo.Request, tx *sipgo.ServerTx, id string) {
	now := time.Now()
	contacts, wildcard, err := contactsOf(req)
	switch {
	case errors.Is(err, errBrief):
		s.refuse(req, tx, 423, "brief registration", sipgo.NewHeader("Min-Expires", itoa(minExpires)))
		return
	case err != nil:
		s.refuse(req, tx, 400, "bad contact")
		return
	}
	if wildcard {
		s.Directory.Clear(id)
	}
	src, _ := netip.ParseAddrPort(req.Source())
	for _, c := range contacts {
		err := s.Directory.Bind(now, id, directory.Contact{
			URI: c.uri, Instance: c.instance, Expires: now.Add(time.Duration(c.expires) * time.Second),
			Source: netip.AddrPortFrom(src.Addr().Unmap(), src.Port()), Transport: strings.ToLower(req.Transport()),
			CallID: req.CallID().Value(), Sequence: req.CSeq().SeqNo,
		})
		if err != nil && !errors.Is(err, directory.ErrStale) {
			s.refuse(req, tx, 503, "directory full", sipgo.NewHeader("Retry-After", "60"))
			return
		}
	}
	extra := []sipgo.Header{sipgo.NewHeader("Date", now.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"))}
	for _, c := range s.Directory.Lookup(now, id) {
		left := int(c.Expires.Sub(now).Round(time.Second) / time.Second)
		extra = append(extra, sipgo.NewHeader("Contact", "<"+c.URI+">;expires="+itoa(left)))
	}
	s.final(req, tx, 200, extra...)
}

// A binding is one Contact of a REGISTER.
type binding struct {
	uri, instance string
	expires       int // seconds
}

var (
	errBrief   = errors.New("registration too brief")
	errContact = errors.New("bad contact")
)

// contactsOf reads the Contact headers of a REGISTER. wildcard is "Contact: *"
// with Expires: 0, which removes all.
func contactsOf(req *sipgo.Request) (out []binding, wildcard bool, err error) {
	common, given := seconds(header(req, "Expires"))
	headers := append(req.GetHeaders("Contact"), req.GetHeaders("m")...)
	for _, h := range headers {
		c, ok := h.(*sipgo.ContactHeader)
		if !ok {
			return nil, false, errContact
		}
		if c.Address.Wildcard {
			if len(headers) != 1 || !given || common != 0 {
				return nil, false, errContact
			}
			return nil, true, nil
		}
		b := binding{expires: defaultExpires}
		if given {
			b.expires = common
		}
		if v, ok := param(c.Params, "expires"); ok {
			if n, ok := seconds(v); ok {
				b.expires = n
			}
		}
		switch {
		case b.expires != 0 && b.expires < minExpires:
			return nil, false, errBrief
		case b.expires > maxExpires:
			b.expires = maxExpires
		}
		instance, _ := param(c.Params, "+sip.instance")
		b.instance = clean(strings.Trim(instance, `"`), maxUser)
		b.uri = c.Address.String()
		if c.Address.Host == "" || len(b.uri) > 512 || strings.ContainsAny(b.uri, "<>\r\n\x00") {
			return nil, false, errContact
		}
		out = append(out, b)
	}
	if len(out) > directory.DefaultPerName {
		return nil, false, errContact
	}
	return out, false, nil
}

// param is a parameter by name, in capitals or not.
func param(params sipgo.HeaderParams, name string) (string, bool) {
	for _, kv := range params {
		if strings.EqualFold(strings.TrimSpace(kv.K), name) {
			return kv.V, true
		}
	}
	return "", false
}

// seconds reads a delta-seconds; a number beyond all reason is the largest one.
func seconds(text string) (n int, ok bool) {
	v, err := strconv.ParseUint(strings.TrimSpace(text), 10, 32)
	if errors.Is(err, strconv.ErrRange) {
		return 1<<31 - 1, true
	}
	if err != nil {
		return 0, false
	}
	return int(min(v, 1<<31-1)), true
}

// required is the extensions that a request needs and we do not have.
func required(req *sipgo.Request) string {
	var out []string
	for _, h := range req.GetHeaders("Require") {
		for part := range strings.SplitSeq(h.Value(), ",") {
			if tag := strings.TrimSpace(part); tag != "" && !strings.EqualFold(tag, "timer") {
				out = append(out, clean(tag, maxUser))
			}
		}
	}
	return strings.Join(out, ", ")
}

// RecoverContact puts a contact back into the Directory, from a record that the
// Directory's Ledger kept for an earlier run under this key. Call it between
// Listen and Run. What has expired is forgotten. So is a contact over TCP that
// nobody listens at: behind a NAT, or with the port of the connection that it
// registered over, which ended with the earlier run; that telephone is reached
// again when it registers anew. The address of one that is restored is known, as
// it was. An error says that the record cannot be read.
func (s *Server) RecoverContact(key string, text []byte) error {
	now := time.Now()
	id, c, err := directory.ReadRecord(now, text)
	switch {
	case err != nil:
		s.count("bad contact record")
	case s.Directory == nil || !c.Expires.After(now):
	case c.Transport == "tcp" && !listens(c):
		s.Log.Debug("sip: contact not restored: its connection is gone", "party", id)
	default:
		if err = s.Directory.Bind(now, id, c); err == nil && c.Source.IsValid() {
			s.strangers.pass(c.Source.Addr().Unmap())
		}
		return err
	}
	if s.Directory != nil && s.Directory.Ledger != nil {
		s.Directory.Ledger.Forget(key)
	}
	return err
}

// listens reports whether a telephone that registered over TCP can be connected
// to.
func listens(c directory.Contact) bool {
	var uri sipgo.Uri
	if err := sipgo.ParseUri(c.URI, &uri); err != nil {
		return false
	}
	port := uri.Port
	if port == 0 {
		port = sipgo.DefaultPort("TCP")
	}
	return strings.Trim(uri.Host, "[]") == c.Source.Addr().String() && port != int(c.Source.Port())
}
