package sip

import "sync"

// table is every dialog of a server.
type table struct {
	mu      sync.Mutex
	byID    map[string]*dialog
	byStart map[string]*dialog // by the INVITE that made it: tells merged requests
}

func dialogKey(callID, localTag, remoteTag string) string {
	return callID + "\x00" + localTag + "\x00" + remoteTag
}

func (t *table) find(key string) *dialog {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byID[key]
}

// begunBy finds the dialog that an INVITE has made.
func (t *table) begunBy(start string) *dialog {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byStart[start]
}

func (t *table) size() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.byID)
}

// add takes a dialog in, unless its INVITE has one already or there are most.
func (t *table) add(d *dialog, start string, most int) (merged, full bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byID == nil {
		t.byID, t.byStart = map[string]*dialog{}, map[string]*dialog{}
	}
	if start != "" && t.byStart[start] != nil {
		return true, false
	}
	if len(t.byID) >= most {
		return false, true
	}
	t.byID[dialogKey(d.callID, d.local.tag, d.remote.tag)] = d
	if start != "" {
		t.byStart[start] = d
	}
	return false, false
}

// rename moves a dialog whose far end has shown its tag.
func (t *table) rename(d *dialog, remoteTag string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byID, dialogKey(d.callID, d.local.tag, d.remote.tag))
	d.remote.tag = remoteTag
	t.byID[dialogKey(d.callID, d.local.tag, d.remote.tag)] = d
}

func (t *table) remove(d *dialog) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byID, dialogKey(d.callID, d.local.tag, d.remote.tag))
	switch {
	case d.former != nil:
		delete(t.byStart, d.former.start)
	case d.uas:
		delete(t.byStart, requestKey(d.invite))
	}
}
