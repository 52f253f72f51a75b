package directory_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/directory"
)

var start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func contact(uri string, minutes int) directory.Contact {
	return directory.Contact{URI: uri, Expires: start.Add(time.Duration(minutes) * time.Minute)}
}

func uris(d *directory.Directory, at time.Time, id string) string {
	out := ""
	for _, c := range d.Lookup(at, id) {
		out += c.URI + " "
	}
	return out
}

func bind(t *testing.T, d *directory.Directory, id string, c directory.Contact) {
	t.Helper()
	if err := d.Bind(start, id, c); err != nil {
		t.Fatal(err)
	}
}

func TestAContactLastsUntilItExpires(t *testing.T) {
	var d directory.Directory
	bind(t, &d, "alice", contact("sip:a@1", 1))
	bind(t, &d, "alice", contact("sip:a@2", 60))
	if got := uris(&d, start, "alice"); got != "sip:a@1 sip:a@2 " {
		t.Errorf("at first: %q", got)
	}
	if got := uris(&d, start.Add(time.Minute), "alice"); got != "sip:a@2 " {
		t.Errorf("after a minute: %q", got)
	}
	if got := uris(&d, start.Add(time.Hour), "alice"); got != "" || d.Size() != 0 {
		t.Errorf("after an hour: %q, %d left", got, d.Size())
	}
	if got := uris(&d, start, "bob"); got != "" {
		t.Errorf("bob: %q", got)
	}
}

func TestRefreshAndRemove(t *testing.T) {
	var d directory.Directory
	bind(t, &d, "alice", contact("sip:a@1", 1))
	bind(t, &d, "alice", contact("sip:a@1", 60))
	if got := uris(&d, start.Add(30*time.Minute), "alice"); got != "sip:a@1 " {
		t.Errorf("not refreshed: %q", got)
	}
	bind(t, &d, "alice", contact("sip:a@1", 0))
	bind(t, &d, "alice", contact("sip:never@1", 0))
	if got := uris(&d, start, "alice"); got != "" || d.Size() != 0 {
		t.Errorf("not removed: %q", got)
	}
	bind(t, &d, "alice", contact("sip:a@1", 1))
	bind(t, &d, "alice", contact("sip:a@2", 1))
	d.Clear("alice")
	if got := uris(&d, start, "alice"); got != "" || d.Size() != 0 {
		t.Errorf("not cleared: %q", got)
	}
}

func TestTheSameTelephoneTakesItsOwnPlace(t *testing.T) {
	var d directory.Directory
	c := contact("sip:a@1:1000", 60)
	c.Instance = "<urn:uuid:1>"
	bind(t, &d, "alice", c)
	c.URI = "sip:a@1:2000" // restarted on another port
	bind(t, &d, "alice", c)
	if got := uris(&d, start, "alice"); got != "sip:a@1:2000 " {
		t.Errorf("got %q", got)
	}
}

func TestALateOlderRegistrationChangesNothing(t *testing.T) {
	var d directory.Directory
	c := contact("sip:a@1", 60)
	c.CallID, c.Sequence = "x", 5
	bind(t, &d, "alice", c)
	c.Sequence, c.Expires = 4, start
	if err := d.Bind(start, "alice", c); !errors.Is(err, directory.ErrStale) {
		t.Errorf("err = %v, want ErrStale", err)
	}
	c.CallID, c.Sequence = "y", 1 // the telephone restarted: a new count
	if err := d.Bind(start, "alice", c); err != nil {
		t.Error(err)
	}
}

func TestLimits(t *testing.T) {
	d := directory.Directory{PerName: 3, Total: 5}
	for i := range 5 {
		bind(t, &d, "alice", contact(fmt.Sprintf("sip:a@%d", i), 60+i))
	}
	if got := uris(&d, start, "alice"); got != "sip:a@2 sip:a@3 sip:a@4 " {
		t.Errorf("per name: %q", got)
	}
	bind(t, &d, "bob", contact("sip:b@1", 1))
	bind(t, &d, "bob", contact("sip:b@2", 1))
	if err := d.Bind(start, "carol", contact("sip:c@1", 60)); !errors.Is(err, directory.ErrFull) {
		t.Errorf("total: %v, want ErrFull", err)
	}
	// Once bob's have expired there is room again.
	if err := d.Bind(start.Add(2*time.Minute), "carol", contact("sip:c@1", 60)); err != nil {
		t.Errorf("after expiry: %v", err)
	}
	if d.Size() != 4 {
		t.Errorf("size %d, want 4", d.Size())
	}
}

func TestTheCallersSliceIsItsOwn(t *testing.T) {
	var d directory.Directory
	bind(t, &d, "alice", contact("sip:a@1", 60))
	d.Lookup(start, "alice")[0].URI = "sip:mallory@1"
	if got := uris(&d, start, "alice"); got != "sip:a@1 " {
		t.Errorf("got %q", got)
	}
}

// ledger keeps records in memory.
type ledger map[string][]byte

func (l ledger) Note(key string, record []byte) { l[key] = record }
func (l ledger) Forget(key string)              { delete(l, key) }

// restored is a directory of what a ledger has at this time.
func (l ledger) restored(t *testing.T, at time.Time) *directory.Directory {
	t.Helper()
	d := new(directory.Directory)
	for _, text := range l {
		id, c, err := directory.ReadRecord(at, text)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Bind(at, id, c); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func TestContactsOutlastTheProcess(t *testing.T) {
	l := ledger{}
	d := directory.Directory{Ledger: l, PerName: 3}
	c := directory.Contact{
		URI: "sip:a@10.0.0.1;x=\"<ä>\"", Source: netip.MustParseAddrPort("192.0.2.7:5062"), Transport: "udp",
		Expires: start.Add(time.Hour), Instance: "<urn:uuid:1>", CallID: "x", Sequence: 5,
	}
	bind(t, &d, "8:acs:alice", c)
	again := l.restored(t, start.Add(time.Minute))
	got := again.Lookup(start.Add(time.Minute), "8:acs:alice")
	if len(got) != 1 || got[0] != c {
		t.Errorf("got %+v, want %+v", got, c)
	}
	c.Sequence = 4
	if err := again.Bind(start.Add(time.Minute), "8:acs:alice", c); !errors.Is(err, directory.ErrStale) {
		t.Errorf("an older registration: %v", err)
	}
	if got := uris(l.restored(t, start.Add(time.Hour)), start.Add(time.Hour), "8:acs:alice"); got != "" {
		t.Errorf("after it has expired: %s", got)
	}
	// A clock that was set back does not make it last longer than it was granted.
	back := start.Add(-24 * time.Hour)
	if got := l.restored(t, back).Lookup(back.Add(2*time.Hour), "8:acs:alice"); len(got) != 0 {
		t.Errorf("after two hours: %+v", got)
	}
	for key := range l {
		if len(key) > 40 || strings.ContainsAny(key, "/: ") {
			t.Errorf("key %q", key)
		}
	}
}

// TestOnlyWhatIsRegisteredIsKept: every way out of the directory is one out of
// the ledger.
func TestOnlyWhatIsRegisteredIsKept(t *testing.T) {
	l := ledger{}
	d := directory.Directory{Ledger: l, PerName: 3}
	check := func(at time.Time, what string) {
		t.Helper()
		got, want := strings.Fields(uris(l.restored(t, at), at, "alice")), strings.Fields(uris(&d, at, "alice"))
		slices.Sort(got)
		slices.Sort(want)
		if len(l) != d.Size() || !slices.Equal(got, want) {
			t.Errorf("%s: kept %d: %s, registered %s", what, len(l), got, want)
		}
	}
	for i := range 5 {
		bind(t, &d, "alice", contact(fmt.Sprintf("sip:a@%d", i), 60+i))
	}
	check(start, "too many")
	gone := contact("sip:a@4", 60)
	gone.Expires = start
	bind(t, &d, "alice", gone)
	check(start, "removed")
	c := contact("sip:a@1:1000", 90)
	c.Instance = "<urn:uuid:1>"
	bind(t, &d, "alice", c)
	c.URI = "sip:a@1:2000"
	bind(t, &d, "alice", c)
	check(start, "restarted elsewhere")
	d.Lookup(start.Add(65*time.Minute), "alice")
	check(start.Add(65*time.Minute), "expired")
	d.Clear("alice")
	check(start.Add(65*time.Minute), "cleared")
	if len(l) != 0 {
		t.Errorf("kept %d", len(l))
	}
}

func FuzzRecord(f *testing.F) {
	l := ledger{}
	d := directory.Directory{Ledger: l}
	d.Bind(start, "8:acs:alice", contact("sip:a@1", 1))
	for _, text := range l {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		id, c, err := directory.ReadRecord(start, text)
		switch {
		case err != nil && !errors.Is(err, directory.ErrRecord):
			t.Errorf("error %v", err)
		case err == nil && (id == "" || c.URI == "" || c.Expires.After(start.Add(8*24*time.Hour))):
			t.Errorf("%q %+v", id, c)
		}
	})
}
