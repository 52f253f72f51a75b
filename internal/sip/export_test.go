package sip

import (
	"weak"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/tipring/tipring/internal/leg"
)

// For the fuzz targets.
var (
	FragmentStatus = fragmentStatus
	URIHeaders     = uriHeaders
	CheckHeaders   = checkHeaders
)

// Rehearse gives the request, or the response, that ends a dialog of this
// record.
func (s *Server) Rehearse(record []byte) (text string, err error) {
	d, err := s.restore("key", record)
	if err != nil {
		return "", err
	}
	if d.former.final != nil {
		return string(d.former.final), nil
	}
	req, err := d.newRequest(sipgo.BYE, d.seq)
	if err != nil {
		return "", err
	}
	if d.out != nil {
		req = d.cancelRequest()
	}
	return req.String(), nil
}

// Encoder makes the record of the dialog of a record again.
func (s *Server) Encoder(record []byte) (func() []byte, error) {
	d, err := s.restore("key", record)
	if err != nil {
		return nil, err
	}
	return func() []byte { return d.record(keptUp).encode() }, nil
}

// Gone says whether nothing holds a leg's dialog any more.
func Gone(l leg.Incoming) func() bool {
	w := weak.Make(l.(*incoming).dialog)
	return func() bool { return w.Value() == nil }
}
