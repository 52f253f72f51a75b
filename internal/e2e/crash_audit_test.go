package e2e_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// A ledger is what an app was promised and what it was told.
type ledger struct {
	requests []*request
	notices  []notice
}

// ends are the events of which each command that was accepted has one.
var ends = map[string][]string{
	"play":                  {"PlayCompleted", "PlayFailed", "PlayCanceled"},
	"recognize":             {"RecognizeCompleted", "RecognizeFailed", "RecognizeCanceled"},
	"sendDtmfTones":         {"SendDtmfTonesCompleted", "SendDtmfTonesFailed"},
	"add":                   {"AddParticipantSucceeded", "AddParticipantFailed"},
	"remove":                {"RemoveParticipantSucceeded", "RemoveParticipantFailed"},
	"cancelAddParticipant":  {"CancelAddParticipantSucceeded", "CancelAddParticipantFailed"},
	"transferToParticipant": {"CallTransferAccepted", "CallTransferFailed"},
	"startMediaStreaming":   {"MediaStreamingStarted", "MediaStreamingFailed", "MediaStreamingStopped"}, // the first of them; see lived
	"stopMediaStreaming":    {"MediaStreamingStopped", "MediaStreamingFailed"},
}

// since is what a desk has in its books since a moment.
func (d *desk) since(t time.Time) (l ledger) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.requests {
		if !r.sent.Before(t) {
			l.requests = append(l.requests, r)
		}
	}
	for _, n := range d.notices {
		if !n.at.Before(t) {
			l.notices = append(l.notices, n)
		}
	}
	return l
}

// accepted reports whether the app was told that it will be done.
func (r *request) accepted() bool { return r.status >= 200 && r.status < 300 }

// balance says what does not agree.
func (l ledger) balance() (faults []string) {
	connections, contexts := map[string][]notice{}, map[string][]notice{}
	for _, n := range l.notices {
		contexts[n.context] = append(contexts[n.context], n)
		if n.connection != "" && n.kind != "RecordingStateChanged" {
			connections[n.connection] = append(connections[n.connection], n)
		}
	}
	for _, r := range l.requests {
		if id := r.result("callConnectionId"); r.accepted() && (r.verb() == "create" || r.verb() == "answer") && connections[id] == nil {
			faults = append(faults, fmt.Sprintf("%s gave connection %s, of which nothing was heard", r.verb(), id))
		}
		faults = append(faults, r.ended(contexts[r.context])...)
	}
	for id, all := range connections {
		for _, fault := range lived(all) {
			faults = append(faults, fault+": "+tell(id, all))
		}
	}
	return append(faults, l.calls()...)
}

// ended wants one end of what was accepted among the events of its context, and
// none of what was not. Where no answer came both are right.
func (r *request) ended(told []notice) (faults []string) {
	kinds, ok := ends[r.verb()]
	if !ok {
		return nil
	}
	var found []string
	for _, n := range told {
		if slices.Contains(kinds, n.kind) {
			found = append(found, n.kind)
		}
	}
	if len(found) > 1 && found[0] == "MediaStreamingStarted" {
		found = found[:1]
	}
	least, most := 1, 1
	if r.status == 0 {
		least = 0
	} else if !r.accepted() {
		least, most = 0, 0
	}
	if n := len(found); n < least || n > most {
		return []string{fmt.Sprintf("%s was answered %d (at %s) and ended with %v: %s", r.context, r.status, r.at.Format("05.000"), found, r.path)}
	}
	return nil
}

// lived says what is wrong with the events of a connection.
func lived(all []notice) (faults []string) {
	var finals, streams, started, sequence int
	for i, n := range all {
		switch {
		case slices.Contains(last, n.kind):
			finals++
			if i < len(all)-1 {
				faults = append(faults, "something came after the end")
			}
		case n.kind == "CallConnected" && i > 1:
			faults = append(faults, "CallConnected came late")
		case n.kind == "ParticipantsUpdated" && n.Sequence <= sequence:
			faults = append(faults, "sequenceNumber does not rise")
		case n.kind == "ParticipantsUpdated":
			sequence = n.Sequence
		case n.kind == "MediaStreamingStarted":
			started++
		case n.kind == "MediaStreamingStopped" || n.kind == "MediaStreamingFailed":
			streams++
		}
		if i > 0 && n.when.Before(all[i-1].when) {
			faults = append(faults, "an event came before an older one")
		}
	}
	if finals != 1 {
		faults = append(faults, fmt.Sprintf("%d ends of a connection", finals))
	}
	if started > streams {
		faults = append(faults, "a stream that was started has no end")
	}
	return slices.Compact(faults)
}

// calls says what is wrong with what Event Grid tells: each call that began has
// one end, and who came has gone.
func (l ledger) calls() (faults []string) {
	count, all := map[string]int{}, map[string][]notice{}
	for _, n := range l.notices {
		who, _, _ := strings.Cut(n.subject, "/startedBy/")
		step, ok := map[string]int{"CallStarted": 1, "CallEnded": -1, "CallParticipantAdded": 1, "CallParticipantRemoved": -1}[n.kind]
		if ok {
			count[who] += step
			all[who] = append(all[who], n)
		}
	}
	for who, n := range count {
		if n != 0 {
			faults = append(faults, "came and went unequally often: "+tell(who, all[who]))
		}
	}
	return faults
}

// complain shows the first of some faults.
func complain(t *testing.T, faults []string) {
	t.Helper()
	const most = 6
	slices.Sort(faults)
	for _, fault := range faults[:min(len(faults), most)] {
		t.Error(fault)
	}
	if n := len(faults) - most; n > 0 {
		t.Errorf("and %d more like these", n)
	}
}

// tell is the story of a connection, or of a call.
func tell(id string, all []notice) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:", id)
	for _, n := range all {
		fmt.Fprintf(&b, "\n\t%s %s %s at %s, id %s", n.at.Format("05.000"), n.kind, n.context, n.when.Format("05.000"), n.id)
	}
	return b.String()
}

// A taping is one recording, and when it was going on.
type taping struct {
	id                              string
	asked, begun, firstEnd, lastEnd time.Time
	active, inactive                int
	files                           []notice
}

// tapings are the recordings in the books, of calls that ended by themselves at
// ended(connection), or were cut.
func (l ledger) tapings(cut time.Time, ended func(connection string) time.Time) (all []*taping) {
	for _, r := range l.requests {
		id := r.result("recordingId")
		if r.verb() != "POST recordings" || !r.accepted() || id == "" {
			continue
		}
		var body struct{ CallConnectionID string }
		_ = json.Unmarshal(r.body, &body)
		k := &taping{id: id, asked: r.sent, begun: r.at, firstEnd: cut, lastEnd: cut}
		k.until(ended(body.CallConnectionID), ended(body.CallConnectionID))
		for _, stop := range l.requests {
			if stop.verb() == "DELETE recordings/"+id {
				k.until(stop.sent, stop.at)
			}
		}
		for _, n := range l.notices {
			switch {
			case n.kind == "RecordingFileStatusUpdated" && strings.HasSuffix(n.subject, "/recordingId/"+id):
				k.files = append(k.files, n)
			case n.kind == "RecordingStateChanged" && n.Recording == id && n.State == "active":
				k.active++
			case n.kind == "RecordingStateChanged" && n.Recording == id:
				k.inactive++
			}
		}
		all = append(all, k)
	}
	return all
}

// until says that the recording ended between two moments, if not before.
func (k *taping) until(first, last time.Time) {
	if !first.IsZero() && first.Before(k.firstEnd) {
		k.firstEnd = first
	}
	if !last.IsZero() && last.Before(k.lastEnd) {
		k.lastEnd = last
	}
}

// check wants a recording to be announced once, and to hold what was said, up to
// its last second. The machine stood still for a while; that is all that may be
// missing within.
func (k *taping) check(t *testing.T, store *storage, stood time.Duration) {
	t.Helper()
	least, most := k.firstEnd.Sub(k.begun)-time.Second, k.lastEnd.Sub(k.asked)+time.Second/2
	if k.active != 1 || k.inactive != 1 || len(k.files) > 1 || least > 0 && len(k.files) == 0 {
		t.Errorf("recording %s of %v to %v was active %d times, inactive %d times, and had %d files", k.id, least, most, k.active, k.inactive, len(k.files))
	}
	if len(k.files) == 0 {
		return
	}
	f, ok := k.files[0].file(t)
	if !ok {
		if least > 0 {
			t.Errorf("recording %s of %v to %v has no file", k.id, least, most)
		}
		return
	}
	all, _ := store.fetch(t, f)
	loudest := slices.MaxFunc(all, func(a, b sound) int { return int(a.loudness() - b.loudness()) })
	if got := loudest.length(); got < least || got > most {
		t.Errorf("recording %s (document %s) has %v, want %v to %v", k.id, f.DocumentID, got, least, most)
	}
	if fault := loudest.told().holes(stood); fault != "" {
		t.Errorf("recording %s (document %s) of %v %s", k.id, f.DocumentID, loudest.length(), fault)
	}
}

// file is what a RecordingFileStatusUpdated tells of; none, where nothing was
// heard.
func (n notice) file(t *testing.T) (f file, ok bool) {
	t.Helper()
	var e struct {
		Data struct {
			RecordingStorageInfo struct{ RecordingChunks []file }
			RecordingDurationMs  int64
		}
	}
	if err := json.Unmarshal(n.raw, &e); err != nil || len(e.Data.RecordingStorageInfo.RecordingChunks) > 1 {
		t.Fatalf("RecordingFileStatusUpdated has more than one chunk: %s", n.raw)
	}
	for _, f = range e.Data.RecordingStorageInfo.RecordingChunks {
		f.milliseconds, ok = e.Data.RecordingDurationMs, true
	}
	return f, ok
}
