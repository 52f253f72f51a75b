package sip

import (
	"github.com/tipring/tipring/dtmf"
)

// info takes an INFO request: a digit (RFC 2976 as telephones use it), or
// something that we do not know.
func (d *dialog) info(r request) {
	ct := r.ContentType()
	if ct == nil && len(r.Body()) == 0 {
		d.reply(r, 200, nil) // an INFO that asks whether we are there
		return
	}
	if ct == nil {
		d.reply(r, 415, nil)
		return
	}
	symbol, duration, err := dtmf.ParseInfo(ct.Value(), r.Body())
	if err != nil {
		d.log.Debug("sip: INFO without a digit", "error", err)
		d.reply(r, 415, nil)
		return
	}
	if !d.sound.press(symbol, duration) {
		d.server.count("digit lost")
	}
	d.reply(r, 200, nil)
}
