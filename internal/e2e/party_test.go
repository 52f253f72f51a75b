package e2e_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// A party is a call of three phones, each of which says a tone of its own all
// the time.
type party struct {
	*world
	call              string
	alice, bob, carol *phone // alice has called, the app has invited the others
}

// whom a party consists of, as identifiers and as raw ids.
var (
	alice, bob, carol       = phoneNumber(caller), user("8:acs:bob"), phoneNumber("+15550103")
	aliceID, bobID, carolID = "4:" + caller, "8:acs:bob", "4:+15550103"
	everybody               = []string{aliceID, bobID, carolID}
)

// user is an identifier as the SDK takes it.
func user(id string) map[string]any { return map[string]any{"communicationUserId": id} }

// startParty begins a call of three: one calls in and is answered, two are added.
func startParty(t *testing.T, w *world) *party {
	t.Helper()
	p := &party{world: w}
	p.alice = startPhone(t, caller, hum(8000, aliceHz, 2*time.Minute))
	p.bob = startRegistered(t, w.server, "bob", "auto", hum(8000, bobHz, 2*time.Minute))
	p.carol = startRegistered(t, w.server, "+15550103", "auto", hum(8000, carolHz, 2*time.Minute))
	p.alice.dial(t, called, w.sip)
	p.call, _ = w.answer(t, "party")
	p.shows(t, aliceID)
	for _, who := range []map[string]any{bob, carol} {
		w.must(t, "connection", p.call, "addParticipant", map[string]any{"targetParticipant": who}, map[string]any{"operationContext": "join"})
		w.await(t, "AddParticipantSucceeded", 10*time.Second, inContext("join"))
	}
	p.shows(t, everybody...)
	return p
}

// shows waits for a ParticipantsUpdated with exactly these, given as raw ids,
// with " muted" or " held" behind some.
func (p *party) shows(t *testing.T, who ...string) {
	t.Helper()
	want := slices.Sorted(slices.Values(who))
	var last []string
	found := within(5*time.Second, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, e := range p.events {
			if e.kind != "ParticipantsUpdated" || e.taken || e.text("callConnectionId") != p.call {
				continue
			}
			e.taken, last = true, people(t, e.get("participants"))
			if slices.Equal(last, want) {
				return true
			}
		}
		return false
	})
	if !found {
		t.Fatalf("ParticipantsUpdated shows %v, want %v", last, want)
	}
}

// people are participants as shows has them.
func people(t *testing.T, participants any) []string {
	t.Helper()
	b, _ := json.Marshal(participants)
	var list []struct {
		Identifier struct {
			CommunicationUserID, PhoneNumber string
		}
		IsMuted, IsOnHold bool
	}
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatalf("participants are %s: %v", b, err)
	}
	var all []string
	for _, p := range list {
		who := p.Identifier.CommunicationUserID
		if p.Identifier.PhoneNumber != "" {
			who = "4:" + p.Identifier.PhoneNumber
		}
		if p.IsMuted {
			who += " muted"
		}
		if p.IsOnHold {
			who += " held"
		}
		all = append(all, who)
	}
	slices.Sort(all)
	return all
}

// listed are the participants as the API lists them.
func (p *party) listed(t *testing.T) []string {
	t.Helper()
	var list struct{ Values any }
	if err := json.Unmarshal(p.must(t, "connection", p.call, "listParticipants"), &list); err != nil {
		t.Fatal(err)
	}
	return people(t, list.Values)
}

// hear waits until each hears what is wanted, all at the same time, and wants it
// to stay so for half a second.
func (p *party) hear(t *testing.T, alice, bob, carol tones) {
	t.Helper()
	ears := map[*phone]tones{p.alice: alice, p.bob: bob, p.carol: carol}
	begin := map[*phone]int64{}
	for f, want := range ears {
		if begin[f] = f.now(); want == nil {
			delete(ears, f)
		}
	}
	last := map[*phone]sound{}
	found := within(5*time.Second, func() bool {
		good := true
		for f, want := range ears {
			all := f.since(begin[f])
			last[f] = all.between(max(0, all.length()-ear), all.length())
			good = good && last[f].length() >= ear-time.Millisecond && pure(last[f], want)
		}
		return good
	})
	if !found {
		t.Fatalf("heard are %s, %s and %s, want %v, %v and %v", pitchesIn(last[p.alice]), pitchesIn(last[p.bob]), pitchesIn(last[p.carol]), alice, bob, carol)
	}
	for f := range ears {
		begin[f] = f.now()
	}
	for f, want := range ears {
		f.goesOn(t, begin[f], want)
	}
}

// allHear wants everybody to hear the two others.
func (p *party) allHear(t *testing.T) {
	t.Helper()
	p.hear(t, tones{bobHz, carolHz}, tones{aliceHz, carolHz}, tones{aliceHz, bobHz})
}

// TestParty is a call of three phones: who hears whom, while some are muted, on
// hold, or played to alone.
func TestParty(t *testing.T) {
	w := startWorld(t)
	p := startParty(t, w)
	p.allHear(t)

	t.Run("mute", p.mutes)
	t.Run("hold", p.holds)
	t.Run("play to one", p.playsToOne)
	t.Run("recognize one", p.recognizesOne)
	t.Run("queue", p.queues)
	t.Run("leave", p.leaves)
	checkOrder(t, w.app, p.call)
	p.checkSequence(t)
}

// mutes: the muted one is not heard by the others, and hears them.
func (p *party) mutes(t *testing.T) {
	p.must(t, "connection", p.call, "muteParticipant", bob, map[string]any{"operationContext": "hush"})
	p.shows(t, aliceID, bobID+" muted", carolID)
	p.hear(t, tones{carolHz}, tones{aliceHz, carolHz}, tones{aliceHz})
	if got := fmt.Sprint(p.listed(t)); !strings.Contains(got, bobID+" muted") {
		t.Errorf("listParticipants gives %s", got)
	}
	p.refused(t, 400, "8558", "connection", p.call, "muteParticipant", user("8:acs:nobody"))

	// The SDK has no method for it.
	path := "/calling/callConnections/" + p.call + "/participants:unmute?api-version=2026-03-12"
	if status, code, message := p.send(t, "POST", path, `{"targetParticipants":[{"communicationUser":{"id":"8:acs:bob"}}]}`); status != 200 {
		t.Fatalf("unmute: %d %s %s", status, code, message)
	}
	p.shows(t, everybody...)
	p.allHear(t)
}

// holds: the one on hold hears the music, again and again, and nobody else; the
// others go on.
func (p *party) holds(t *testing.T) {
	music := p.prompt(t, "music.wav", hum(8000, musicHz, 400*time.Millisecond))
	p.must(t, "media", p.call, "hold", bob, map[string]any{"playSource": music, "operationContext": "hold"})
	p.shows(t, aliceID, bobID+" held", carolID)
	p.hear(t, tones{carolHz}, tones{musicHz}, tones{aliceHz})
	p.refused(t, 400, "8585", "media", p.call, "hold", bob)
	p.refused(t, 400, "8585", "media", p.call, "play", []any{music}, []any{bob})
	p.must(t, "media", p.call, "unhold", bob)
	p.shows(t, everybody...)
	p.refused(t, 400, "8585", "media", p.call, "unhold", bob)
	p.refused(t, 400, "8558", "media", p.call, "hold", user("8:acs:nobody"))

	p.must(t, "media", p.call, "hold", carol) // in silence
	p.shows(t, aliceID, bobID, carolID+" held")
	p.hear(t, nil, tones{aliceHz}, tones{})
	p.must(t, "media", p.call, "unhold", carol)
	p.shows(t, everybody...)

	p.must(t, "media", p.call, "hold", bob, map[string]any{"playSource": p.app.file("missing.wav"), "operationContext": "no music", "operationCallbackUrl": p.url + "/elsewhere"})
	e := p.await(t, "HoldFailed", 10*time.Second, inContext("no music"))
	p.says(t, e, "400", "8536")
	if e.text("path") != "/elsewhere" {
		t.Errorf("HoldFailed came at %s", e.text("path"))
	}
	p.shows(t, everybody...)
	p.allHear(t)
}

// playsToOne: one hears it, the others are on hold meanwhile.
func (p *party) playsToOne(t *testing.T) {
	music := p.prompt(t, "music.wav", hum(8000, musicHz, 400*time.Millisecond))
	news := p.prompt(t, "news.wav", hum(8000, newsHz, 400*time.Millisecond))
	p.must(t, "media", p.call, "play", []any{music}, []any{bob}, map[string]any{"loop": true, "operationContext": "alone"})
	p.await(t, "PlayStarted", 5*time.Second, inContext("alone"))
	p.shows(t, aliceID+" held", bobID, carolID+" held")
	p.hear(t, tones{}, tones{musicHz}, tones{})

	// Of operations for one there can be one; those for all wait behind it.
	p.refused(t, 412, "8583", "media", p.call, "play", []any{news}, []any{carol})
	p.refused(t, 412, "8583", "media", p.call, "startRecognizing", carol, recognize(1, nil))
	p.refused(t, 412, "8583", "media", p.call, "sendDtmfTones", []any{"one"}, carol)
	p.refused(t, 412, "8583", "media", p.call, "hold", bob)
	p.must(t, "media", p.call, "playToAll", []any{news}, map[string]any{"operationContext": "behind"})
	p.must(t, "media", p.call, "cancelAllOperations")
	p.says(t, p.await(t, "PlayCanceled", 5*time.Second, inContext("alone")), "400", "8508")
	p.says(t, p.await(t, "PlayCanceled", 5*time.Second, inContext("behind")), "400", "8508")
	p.shows(t, everybody...)
	p.allHear(t)

	p.must(t, "media", p.call, "play", []any{news}, []any{carol}, map[string]any{"operationContext": "short"})
	p.shows(t, aliceID+" held", bobID+" held", carolID)
	p.await(t, "PlayCompleted", 5*time.Second, inContext("short"))
	p.shows(t, everybody...)
}

// recognizesOne: the digits of others do not count, and go their own way.
func (p *party) recognizesOne(t *testing.T) {
	p.must(t, "media", p.call, "startContinuousDtmfRecognition", bob, map[string]any{"operationContext": "keys of bob"})
	p.must(t, "media", p.call, "startRecognizing", carol, recognize(2, map[string]any{
		"interToneTimeoutInSeconds": 20, "initialSilenceTimeoutInSeconds": 20, "operationContext": "pin"}))
	p.refused(t, 412, "8583", "media", p.call, "startRecognizing", bob, recognize(1, nil))
	p.refused(t, 412, "8583", "media", p.call, "sendDtmfTones", []any{"one"}, bob)
	p.bob.press(t, "98")
	for i, want := range []string{"nine", "eight"} {
		e := p.await(t, "ContinuousDtmfRecognitionToneReceived", 5*time.Second, inContext("keys of bob"))
		if e.text("tone") != want || e.text("sequenceId") != fmt.Sprint(i+1) {
			t.Errorf("bob's tone %d is %s with sequenceId %s, want %s", i+1, e.text("tone"), e.text("sequenceId"), want)
		}
	}
	p.carol.press(t, "12")
	if e := p.await(t, "RecognizeCompleted", 5*time.Second, inContext("pin")); fmt.Sprint(e.get("dtmfResult.tones")) != "[one two]" {
		t.Errorf("carol's digits are %v", e.get("dtmfResult"))
	}
	p.must(t, "media", p.call, "stopContinuousDtmfRecognition", bob, map[string]any{"operationContext": "no more keys"})
	p.await(t, "ContinuousDtmfRecognitionStopped", 5*time.Second, inContext("no more keys"))

	p.must(t, "media", p.call, "startRecognizing", bob, recognize(2, map[string]any{"initialSilenceTimeoutInSeconds": 20, "operationContext": "never"}))
	p.must(t, "media", p.call, "cancelAllOperations")
	p.says(t, p.await(t, "RecognizeCanceled", 5*time.Second, inContext("never")), "400", "8508")
}

// queues: what is for all plays one after another, and what interrupts takes the
// place of all.
func (p *party) queues(t *testing.T) {
	music := p.prompt(t, "music.wav", hum(8000, musicHz, 400*time.Millisecond))
	news := p.prompt(t, "long-news.wav", hum(8000, newsHz, 600*time.Millisecond))
	for i, s := range []any{news, music, news} {
		p.must(t, "media", p.call, "playToAll", []any{s}, map[string]any{"operationContext": fmt.Sprint("play ", i+1)})
	}
	p.await(t, "PlayCompleted", 10*time.Second, inContext("play 3"))
	played := p.steps(func(e *event) bool { return strings.HasPrefix(e.text("operationContext"), "play ") })
	if want := "PlayStarted play 1, PlayCompleted play 1, PlayStarted play 2, PlayCompleted play 2, PlayStarted play 3, PlayCompleted play 3"; played != want {
		t.Errorf("the plays went on as %s", played)
	}

	p.must(t, "media", p.call, "playToAll", []any{music}, map[string]any{"loop": true, "operationContext": "loop"})
	p.must(t, "media", p.call, "playToAll", []any{music}, map[string]any{"operationContext": "waits"})
	p.hear(t, tones{bobHz, carolHz, musicHz}, tones{aliceHz, carolHz, musicHz}, nil)
	p.must(t, "media", p.call, "playToAll", []any{p.prompt(t, "longest-news.wav", hum(8000, newsHz, 2*time.Second))},
		map[string]any{"interruptCallMediaOperation": true, "operationContext": "interrupts"})
	p.await(t, "PlayCanceled", 5*time.Second, inContext("loop"))
	p.await(t, "PlayCanceled", 5*time.Second, inContext("waits"))
	p.await(t, "PlayStarted", 5*time.Second, inContext("interrupts"))
	p.hear(t, nil, nil, tones{aliceHz, bobHz, newsHz})
	p.await(t, "PlayCompleted", 5*time.Second, inContext("interrupts"))
	p.allHear(t)
}

// steps are the events that match likes and what they belong to, in order.
func (a *app) steps(match func(*event) bool) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []string
	for _, e := range a.events {
		if match(e) {
			all = append(all, e.kind+" "+e.text("operationContext"))
		}
	}
	return strings.Join(all, ", ")
}

// leaves: one goes, the others stay; the app ends it for all.
func (p *party) leaves(t *testing.T) {
	p.carol.hangUp(t)
	p.carol.await(t, "CALL_CLOSED", 5*time.Second)
	p.shows(t, aliceID, bobID)
	p.hear(t, tones{bobHz}, tones{aliceHz}, nil)
	p.must(t, "connection", p.call, "hangUp", true)
	p.alice.await(t, "CALL_CLOSED", 5*time.Second)
	p.bob.await(t, "CALL_CLOSED", 5*time.Second)
	p.await(t, "CallDisconnected", 5*time.Second, of(p.call))
}

// checkSequence wants the numbers of ParticipantsUpdated to rise.
func (p *party) checkSequence(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	last := 0.0
	for _, e := range p.events {
		if e.kind != "ParticipantsUpdated" || e.text("callConnectionId") != p.call {
			continue
		}
		n, _ := e.get("sequenceNumber").(float64)
		if n <= last {
			t.Errorf("sequenceNumber %v comes after %v", n, last)
		}
		last = n
	}
}
