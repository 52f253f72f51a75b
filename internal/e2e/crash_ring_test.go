package e2e_test

import (
	"testing"
	"time"
)

// TestIncomingCallTooLate: what rang for 30 s while nobody heard of it is not
// announced any more by the server that comes after a crash; the caller is told.
func TestIncomingCallTooLate(t *testing.T) {
	t.Parallel() // it waits most of the time
	d := openDesk(t)
	h := newHouse(t, built(t, raceFlag), "--events="+d.url+"/events")
	h.open(t)
	d.serves(&h.server)
	w := &witness{desk: d, house: h, phones: startPhones(t, h.sip, 1)}
	h.awaitPrinted(t, 10*time.Second, "event subscriber is ready")
	d.closed.Store(true)
	k := w.phones.call(0, whim{})
	w.kept(t, 0)
	h.kill()
	<-time.After(time.Until(k.began.Add(31 * time.Second)))
	h.open(t)
	d.closed.Store(false)
	w.hangsUp(t, w.calls(t))
	h.delivered(t, 20*time.Second)
	if n, came, _ := d.find(func(n notice) bool { return n.kind == "IncomingCall" && n.From.RawID == "4:"+k.number }); came {
		t.Errorf("%s came %v after the call", n.raw, n.at.Sub(k.began))
	}
	complain(t, w.phones.left())
}
