package e2e_test

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"testing"
	"time"
)

// repeats sends some requests again: those that were answered before the crash
// get the same answer, those whose answer was lost get one. None acts twice:
// the audit counts the ends, and here the telephones that were rung.
func (l *life) repeats(t *testing.T) {
	t.Helper()
	var answered, lost []*request
	for _, r := range l.desk.since(l.began).requests {
		switch {
		case r.method != "POST" || r.sent.After(l.end):
		case r.status == 0:
			lost = append(lost, r)
		case r.status < 300:
			answered = append(answered, r)
		}
	}
	l.random.Shuffle(len(answered), func(i, j int) { answered[i], answered[j] = answered[j], answered[i] })
	for _, r := range answered[:min(len(answered), 5)] {
		status, answer := l.desk.post(context.Background(), r)
		if status != r.status || !bytes.Equal(answer, r.answer) {
			t.Errorf("%s %s was answered %d %s at %s; sent again after the restart: %d %s", r.path, r.context, r.status, r.answer, r.at.Format("05.000"), status, answer)
		}
		l.count.repeated++
	}
	for _, r := range lost[:min(len(lost), 5)] {
		status, answer := l.desk.post(context.Background(), r)
		if status == 0 || status >= 500 {
			t.Errorf("%s %s, whose answer was lost: %d %s", r.path, r.context, status, answer)
		}
		l.again(t, r, status, answer)
		l.count.lost++
	}
	l.settles(t)
}

// again takes the late answer to a request. A call that was placed is hung up;
// whoever was called was called once.
func (l *life) again(t *testing.T, r *request, status int, answer []byte) {
	t.Helper()
	if status >= 300 {
		return // it may have been done, and be over, before it could be answered
	}
	l.desk.mu.Lock()
	r.at, r.status, r.answer = time.Now(), status, answer
	l.desk.mu.Unlock()
	if id := r.result("callConnectionId"); r.verb() == "create" && id != "" {
		l.desk.post(context.Background(), &request{method: "POST", path: "/calling/callConnections/" + id + ":terminate", id: r.id + "end"})
	}
}

// tally adds up what a life has seen.
func (l *life) tally(books ledger) {
	l.count.requests += len(books.requests)
	l.count.notices += len(books.notices)
	for _, n := range books.notices {
		if n.at.After(l.end) {
			l.cut[n.kind]++
		}
	}
}

// sums says what all lives have seen, and wants it to have been worth it: each
// kind of end was, at least once, that of something which a crash had cut off.
// AnswerFailed is left to a scenario (crash-answering): a telephone acknowledges
// its answer within a millisecond or two, and few crashes come in between.
func (c *city) sums(t *testing.T) {
	t.Helper()
	complain(t, c.desk.since(time.Time{}).balance()) // nothing came in a later life
	c.desk.mu.Lock()
	defer c.desk.mu.Unlock()
	complain(t, c.desk.altered)
	t.Logf("%d crashes and %d more during a recovery: %d requests, %d events (%d came again), %d calls of telephones, %d recordings, %d requests repeated, %d of them for a lost answer",
		crashes, c.count.more, c.count.requests, c.count.notices, c.desk.again, c.count.talks, c.count.recordings, c.count.repeated+c.count.lost, c.count.lost)
	for _, kind := range slices.Sorted(maps.Keys(c.cut)) {
		t.Logf("after a crash: %d %s", c.cut[kind], kind)
	}
	for _, kind := range []string{
		"CallDisconnected", "CallEnded", "CreateCallFailed", "PlayFailed", "RecognizeFailed", "SendDtmfTonesFailed",
		"AddParticipantFailed", "MediaStreamingFailed", "CallTransferFailed", "RecordingStateChanged", "RecordingFileStatusUpdated",
	} {
		if c.cut[kind] == 0 {
			t.Errorf("no crash has led to %s: the load is not what it should be", kind)
		}
	}
}
