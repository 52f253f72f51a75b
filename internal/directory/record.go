package directory

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// A Ledger keeps contacts beyond the end of the process: a record for each,
// under a key that is its own. Its methods are called from any goroutine and
// must not wait; a crash may undo what they did last.
type Ledger interface {
	// Note keeps a record some time soon, in the place of any before it. The
	// record is the Ledger's then.
	Note(key string, record []byte)
	// Forget removes it some time soon.
	Forget(key string)
}

// recordVersion is that of the records that are written, and the only one that
// is read.
const recordVersion = 1

// maxRecord is the size of a record that may be read, in bytes.
const maxRecord = 16 << 10

// ErrRecord says: not the record of a contact.
var ErrRecord = errors.New("not a contact record")

// A record is a contact as it is kept.
type record struct {
	Version   int    `json:"v"`
	ID        string `json:"id"`
	URI       string `json:"uri"`
	Source    string `json:"source,omitempty"`
	Transport string `json:"transport,omitempty"`
	Expires   int64  `json:"expires"` // ms since 1970
	Granted   int64  `json:"granted"` // ms, from when it was written
	Instance  string `json:"instance,omitempty"`
	CallID    string `json:"callId,omitempty"`
	Sequence  uint32 `json:"seq,omitempty"`
}

// key is where a contact of id is kept.
func key(id, uri string) string {
	sum := sha256.Sum256([]byte(id + "\x00" + uri))
	return hex.EncodeToString(sum[:12])
}

// note keeps a contact as it is now.
func (d *Directory) note(now time.Time, id string, c Contact) {
	if d.Ledger == nil {
		return
	}
	r := record{
		Version: recordVersion, ID: id, URI: c.URI, Transport: c.Transport,
		Expires: c.Expires.UnixMilli(), Granted: c.Expires.Sub(now).Milliseconds(),
		Instance: c.Instance, CallID: c.CallID, Sequence: c.Sequence,
	}
	if c.Source.IsValid() {
		r.Source = c.Source.String()
	}
	if text, err := json.Marshal(r); err == nil { // strings and numbers: it cannot fail
		d.Ledger.Note(key(id, c.URI), text)
	}
}

func (d *Directory) forget(id string, gone ...Contact) {
	if d.Ledger == nil {
		return
	}
	for _, c := range gone {
		d.Ledger.Forget(key(id, c.URI))
	}
}

// ReadRecord gives the contact that a Ledger has kept, and whose it is, for
// Bind. It may have expired. It never lasts longer from now on than it was
// granted for, so that a clock that was set back does not keep it for ever. An
// error wraps ErrRecord.
func ReadRecord(now time.Time, text []byte) (id string, c Contact, err error) {
	var r record
	if len(text) > maxRecord {
		return "", c, fmt.Errorf("%w: %d bytes", ErrRecord, len(text))
	}
	if err = json.Unmarshal(text, &r); err != nil {
		return "", c, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	if r.Version != recordVersion || r.ID == "" || r.URI == "" {
		return "", c, fmt.Errorf("%w: version %d", ErrRecord, r.Version)
	}
	left := min(time.UnixMilli(r.Expires).Sub(now), time.Duration(min(r.Granted, maxGranted.Milliseconds()))*time.Millisecond)
	c = Contact{
		URI: r.URI, Transport: r.Transport, Expires: now.Add(left),
		Instance: r.Instance, CallID: r.CallID, Sequence: r.Sequence,
	}
	if r.Source != "" {
		if c.Source, err = netip.ParseAddrPort(r.Source); err != nil {
			return "", c, fmt.Errorf("%w: %w", ErrRecord, err)
		}
	}
	return r.ID, c, nil
}

// maxGranted is the longest that a contact is believed to last.
const maxGranted = 7 * 24 * time.Hour
