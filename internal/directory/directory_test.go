package directory_test

import (
	"errors"
	"fmt"
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
