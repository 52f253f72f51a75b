package call_test

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/internal/call"
	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/leg/legtest"
	"github.com/tipring/tipring/internal/prompt"
	"github.com/tipring/tipring/internal/recording"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/mediatest"
	"github.com/tipring/tipring/media/metronome"
)

// TestScenarios plays testdata/scenarios/*.txt: whole calls over legs in memory,
// in virtual time.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("../../testdata/scenarios/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scenarios", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { play(t, file) })
		})
	}
}

// stage is where a scenario is played.
type stage struct {
	t     *testing.T
	calls *call.Registry
	beat  *time.Ticker // the scenario's own steps

	legs   map[string]*legtest.Leg
	heard  map[string]*earwitness
	ctx    context.Context // of the calls
	stop   context.CancelFunc
	ended  sync.WaitGroup
	lineAt time.Time // when the line before the last expect was done

	mu         sync.Mutex
	events     []event.Event
	next       int // events before this one have been expected, or passed over
	connection string
	earlier    string // the connection of the call before
	token      string
	recording  string
}

func play(t *testing.T, file string) {
	ticks := metronome.New(metronome.Config{Workers: 1, Slots: 1})
	clock, stopClock := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := ticks.Run(clock); err != nil {
			t.Error(err)
		}
	})
	s := &stage{t: t, beat: time.NewTicker(media.Period), legs: map[string]*legtest.Leg{}, heard: map[string]*earwitness{}}
	s.ctx, s.stop = context.WithCancel(t.Context())
	s.calls = call.NewRegistry(call.Config{
		Publish: s.published, Ticks: ticks, Fetch: fetch, Call: s.dial, BaseURL: "https://tipring.test",
		Recordings: &recording.Store{Dir: t.TempDir()},
	})
	s.run(file)
	s.stop()
	s.ended.Wait()
	stopClock()
	running.Wait()
	s.beat.Stop()
	if n := s.calls.Calls(); n != 0 {
		t.Errorf("%d calls are left", n)
	}
}

func (s *stage) run(file string) {
	f, err := os.Open(file)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		if err := s.line(line); err != nil {
			s.t.Errorf("%s:%d: %s: %v\nevents:\n%s", filepath.Base(file), n, line, err, s.history())
			return
		}
		if !strings.HasPrefix(line, "expect") {
			s.lineAt = time.Now()
		}
	}
}

// line does one line: "verb words key=value" or "NAME verb words".
func (s *stage) line(line string) error {
	words := strings.Fields(line)
	options := map[string]string{}
	rest := words[:0:0]
	for _, w := range words {
		if k, v, ok := strings.Cut(w, "="); ok {
			options[k] = v
		} else {
			rest = append(rest, w)
		}
	}
	if l, ear := s.leg(rest[0]); l != nil {
		return s.farEnd(l, ear, rest[1:])
	}
	switch rest[0] {
	case "call":
		return s.call(rest[1])
	case "expect":
		if rest[1] == "nothing" {
			return s.expectNothing(rest[3])
		}
		return s.expect(rest[1], options)
	case "wait":
		s.wait(duration(rest[1]))
		return nil
	}
	return s.refused(s.command(rest, options), options["refused"])
}

// command does what an application asks.
func (s *stage) command(words []string, options map[string]string) error {
	ctx, op := s.t.Context(), call.Operation{Context: options["context"]}
	send := func(c call.Command) error { return s.calls.Send(ctx, s.connection, c) }
	switch words[0] {
	case "answer":
		s.earlier = s.connection
		p, err := s.calls.Answer(ctx, call.Answer{Token: s.token, Callback: "http://app/cb", Context: options["context"]})
		if err == nil {
			s.connection = p.Connection
			return s.expect("CallConnected", nil, peek)
		}
		return err
	case "reject":
		return s.calls.Reject(ctx, s.token, cause(words[1]))
	case "play":
		return send(call.Play{
			Sources: prompts(words[1]), Targets: users(strings.Fields(options["to"])), Loop: options["loop"] == "yes",
			Interrupt: options["interrupt"] == "yes", Operation: op,
		})
	case "recognize":
		return send(call.Recognize{
			Target: "8:acs:" + words[1], Prompts: prompts(options["prompt"]), BargeIn: options["barge-in"] == "yes",
			MaxTones: number(cmp.Or(options["digits"], "1")), StopTones: options["stop"],
			InitialSilence: duration(options["initial-silence"]), InterTone: duration(options["inter-tone"]),
			Choices: choices(options["choices"]), Operation: op,
		})
	case "listen":
		return send(call.ListenTones{Target: "8:acs:" + words[1], Operation: op})
	case "unlisten":
		return send(call.StopTones{Target: "8:acs:" + words[1], Operation: op})
	case "cancel":
		return send(call.CancelAll{})
	case "hang":
		return send(call.HangUp{ForEveryone: true})
	case "shut":
		s.stop()
		return nil
	case "record":
		state, err := s.calls.Record(ctx, call.Record{Connection: s.connection, Callback: "http://app/rec"})
		s.recording = state.ID
		return err
	case "create":
		p, err := s.calls.Create(ctx, call.Create{Targets: users(words[1:]), From: "8:acs:bot", Callback: "http://app/cb", Context: options["context"]})
		s.connection = p.Connection
		return errors.Join(err, s.rings(words[1:]))
	case "redirect":
		err := s.calls.Redirect(ctx, call.Redirect{Token: s.token, Targets: users(words[1:])})
		return errors.Join(err, s.rings(words[1:]))
	case "connect":
		to := call.Connect{Group: options["group"], Callback: "http://other/cb", Context: options["context"]}
		if to.Group == "" {
			to.Call = s.serverCall()
		}
		p, err := s.calls.Connect(ctx, to)
		if err == nil {
			s.connection = p.Connection
		}
		return err
	case "add":
		err := send(call.Add{Target: "8:acs:" + words[1], Invitation: options["invitation"], Timeout: duration(options["timeout"]), Operation: op})
		if err != nil || options["unknown"] == "yes" {
			return err
		}
		return s.rings(words[1:])
	case "uninvite":
		return send(call.CancelAdd{Invitation: words[1], Operation: op})
	case "remove":
		return send(call.Remove{Target: "8:acs:" + words[1], Operation: op})
	case "mute", "unmute":
		return send(call.Mute{Targets: users(words[1:]), Off: words[0] == "unmute", Operation: op})
	case "hold", "unhold":
		h := call.Hold{Target: "8:acs:" + words[1], Off: words[0] == "unhold", Operation: op}
		if music := prompts(options["music"]); len(music) > 0 {
			h.Music = &music[0]
		}
		return send(h)
	case "transfer":
		return send(call.Transfer{Target: "8:acs:" + options["to"], Transferee: "8:acs:" + words[1], Operation: op})
	case "send":
		return send(call.SendTones{Target: "8:acs:" + options["to"], Tones: words[1], Operation: op})
	case "leave":
		return send(call.HangUp{})
	case "move":
		return send(call.Move{Targets: users(words[1:]), From: s.earlier, Operation: op})
	case "pause":
		return s.calls.PauseRecording(ctx, s.recording)
	case "resume":
		return s.calls.ResumeRecording(ctx, s.recording)
	}
	return fmt.Errorf("no such verb")
}

var codes = map[string]call.Code{
	"not-found": call.NotFound, "conflict": call.Conflict, "wrong-state": call.WrongState, "not-now": call.NotNow,
	"invalid": call.Invalid, "gone": call.Gone, "unsupported": call.Unsupported,
	"incompatible": call.Incompatible, "duplicate": call.Duplicate, "absent": call.Absent,
}

func (s *stage) refused(err error, want string) error {
	switch {
	case want == "":
		return err
	case err == nil:
		return fmt.Errorf("was not refused")
	case call.CodeOf(err) != codes[want]:
		return fmt.Errorf("was refused with code %v: %w", call.CodeOf(err), err)
	}
	return nil
}

func (s *stage) call(name string) error {
	to := "bot"
	if name, to, _ = strings.Cut(name, ">"); to == "" {
		to = "bot"
	}
	l := legtest.New(leg.Call{
		From: leg.Party{ID: "8:acs:" + name, Display: name}, To: leg.Party{ID: "8:acs:" + to}, CorrelationID: "correlation-" + name,
	})
	s.mu.Lock()
	s.next, s.token = len(s.events), ""
	s.mu.Unlock()
	s.listen(name, l)
	s.ended.Go(func() { s.calls.Incoming(s.ctx, l) })
	if to != "bot" {
		<-l.Answered()
		return nil
	}
	if err := s.expect("IncomingCall", nil, peek); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if in, ok := e.Body.(event.IncomingCall); ok {
			s.token = in.Token
		}
	}
	return nil
}

// dial calls somebody in memory; nobody is to be found under "nobody".
func (s *stage) dial(_ context.Context, i call.Invite) (leg.Leg, error) {
	name := strings.TrimPrefix(i.Target, "8:acs:")
	if name == "nobody" {
		return nil, errors.New("no such user")
	}
	l := legtest.Outgoing(leg.Call{From: i.From, To: leg.Party{ID: i.Target}})
	s.listen(name, l)
	return l, nil
}

// listen lets the scenario name a leg.
func (s *stage) listen(name string, l *legtest.Leg) {
	ear := new(earwitness)
	l.Hear(ear.hear)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.legs[name], s.heard[name] = l, ear
}

// rings waits until everybody named is being called.
func (s *stage) rings(names []string) error {
	for end := time.Now().Add(time.Second); ; <-s.beat.C {
		there := 0
		for _, name := range names {
			if l, _ := s.leg(name); l != nil || name == "nobody" {
				there++
			}
		}
		if there == len(names) {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%v are not called", names)
		}
	}
}

func (s *stage) leg(name string) (*legtest.Leg, *earwitness) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.legs[name], s.heard[name]
}

func (s *stage) serverCall() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.events) == 0 {
		return ""
	}
	return s.events[len(s.events)-1].Call
}

func users(names []string) []string {
	var list []string
	for _, name := range names {
		list = append(list, "8:acs:"+name)
	}
	return list
}

// choices reads "1:Yes,2:No".
func choices(s string) []call.Choice {
	var list []call.Choice
	for c := range strings.SplitSeq(s, ",") {
		if tone, label, ok := strings.Cut(c, ":"); ok {
			list = append(list, call.Choice{Label: label, Tone: tone[0]})
		}
	}
	return list
}

// farEnd does what a caller does, or says what a caller notices.
func (s *stage) farEnd(l *legtest.Leg, ear *earwitness, words []string) error {
	var what string
	if len(words) > 1 {
		what = words[1]
	}
	switch words[0] {
	case "hears":
		return s.hears(ear, what, words[2:])
	case "ends":
		within := time.After(duration(words[len(words)-1]) + media.Period)
		select {
		case <-l.Ended():
		case <-within:
			return errors.New("the leg has not ended")
		}
		if got := l.End().Cause; got != cause(words[2]) {
			return fmt.Errorf("ended with %v", got)
		}
		return nil
	}
	if i := len(words) - 2; i >= 0 && words[i] == "after" {
		s.wait(duration(words[i+1]))
	}
	switch words[0] {
	case "presses":
		l.Press(what)
	case "dials":
		l.Say(dtmf.Tones(what, 100*time.Millisecond, 100*time.Millisecond, -10))
	case "says":
		l.Say(prompts2source(what))
	case "picks":
		l.PickUp()
	case "refuses":
		l.Refuse(cause(what))
	case "accepts":
		l.Transferred(true, 0)
	case "fails":
		l.Transferred(false, cause(what))
	case "got":
		if got := l.Sent(); got != what {
			return fmt.Errorf("got %q", got)
		}
	case "sent-to":
		if got := l.Handed(); got != "8:acs:"+what {
			return fmt.Errorf("was sent to %q", got)
		}
	case "hangs":
		l.HangupByFarEnd()
	case "cancels":
		l.Cancel()
	case "vanishes":
		l.Lose()
	default:
		return fmt.Errorf("no such verb")
	}
	return nil
}

// hears waits until a caller hears something, for a time if so said.
func (s *stage) hears(ear *earwitness, what string, words []string) error {
	want, limit, lasting := 0, time.Second, time.Duration(0)
	if what != "silence" {
		want = number(strings.TrimSuffix(what, "Hz"))
	}
	if len(words) == 2 && words[0] == "within" {
		limit = duration(words[1])
	}
	if len(words) == 2 && words[0] == "for" {
		lasting = duration(words[1])
	}
	from := ear.count()
	frames := int(limit / media.Period)
	for ear.since(from, want) < 0 {
		if ear.count() > from+frames+1 {
			return fmt.Errorf("not within %v: %v", limit, ear.last(frames+5))
		}
		<-s.beat.C
	}
	first := from + ear.since(from, want)
	for ear.count() < first+int(lasting/media.Period) {
		<-s.beat.C
	}
	if i := ear.other(first, first+int(lasting/media.Period), want); i >= 0 {
		return fmt.Errorf("heard something else after %v", time.Duration(i-first)*media.Period)
	}
	return nil
}

func (s *stage) wait(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		<-s.beat.C
	}
}

func (s *stage) published(e event.Event) {
	switch e.Body.(type) {
	case event.CallStarted, event.CallEnded, event.ParticipantAdded, event.ParticipantRemoved:
		return // what subscribers are told beside; TestGridEvents looks at it
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
}

const peek = true // do not pass the event over

// expect waits for the next event of a type, and compares what is said of it.
func (s *stage) expect(name string, options map[string]string, look ...bool) error {
	for end := time.Now().Add(2 * time.Minute); ; {
		s.mu.Lock()
		for i := s.next; i < len(s.events); i++ {
			e := s.events[i]
			if reflect.TypeOf(e.Body).Name() != name {
				continue
			}
			if len(look) == 0 {
				s.next = i + 1
			}
			s.mu.Unlock()
			return s.compare(e, options)
		}
		s.mu.Unlock()
		if time.Now().After(end) {
			return errors.New("it never came")
		}
		<-s.beat.C
	}
}

func (s *stage) expectNothing(d string) error {
	s.mu.Lock()
	before := len(s.events)
	unread := s.next < before && reflect.TypeOf(s.events[before-1].Body).Name() != "ParticipantsUpdated"
	s.mu.Unlock()
	s.wait(duration(d))
	s.mu.Lock()
	defer s.mu.Unlock()
	if unread && s.next > 0 {
		return fmt.Errorf("%T is there already", s.events[s.next].Body)
	}
	if len(s.events) > before {
		return fmt.Errorf("%T came", s.events[before].Body)
	}
	return nil
}

// compare holds an event against key=value pairs.
func (s *stage) compare(e event.Event, options map[string]string) error {
	for key, want := range options {
		var got string
		switch key {
		case "context":
			got = e.Context
		case "took":
			took := e.Time.Sub(s.lineAt)
			if d := took - duration(want); d.Abs() > 2*media.Period {
				return fmt.Errorf("took %v", took)
			}
			continue
		default:
			got = facts(e.Body)[key]
		}
		if got != want {
			return fmt.Errorf("%s=%q", key, got)
		}
	}
	return nil
}

// facts are an event's fields as scenarios spell them.
func facts(b event.Body) map[string]string {
	switch b := b.(type) {
	case event.RecognizeCompleted:
		return map[string]string{"digits": b.Digits, "label": b.Label, "reason": [...]string{"max-digits", "stop-digit", "choice"}[b.Reason]}
	case event.RecognizeFailed:
		return map[string]string{
			"digits": b.Digits, "index": strconv.Itoa(b.Index),
			"cause": [...]string{"initial-silence", "inter-digit", "prompt-failed", "wrong-tone", "internal"}[b.Cause],
		}
	case event.PlayFailed:
		return map[string]string{
			"index": strconv.Itoa(b.Index), "cause": [...]string{"bad-format", "unreachable", "no-speech", "internal"}[b.Cause],
		}
	case event.ToneReceived:
		return map[string]string{"digit": string(b.Digit), "sequence": strconv.Itoa(b.Sequence)}
	case event.CallDisconnected:
		return map[string]string{"reason": [...]string{"app", "caller", "other", "timeout", "shutdown", "failed", "last"}[b.Reason]}
	case event.CreateCallFailed:
		return map[string]string{"cause": inviteCauses[b.Cause]}
	case event.AddSucceeded:
		return map[string]string{"who": b.Participant, "invitation": b.Invitation}
	case event.AddFailed:
		return map[string]string{"who": b.Participant, "invitation": b.Invitation, "cause": inviteCauses[b.Cause]}
	case event.TransferFailed:
		return map[string]string{"cause": inviteCauses[b.Cause]}
	case event.ParticipantsUpdated:
		return map[string]string{"who": roster(b.Participants)}
	case event.RecordingStateChanged:
		return map[string]string{"active": map[bool]string{true: "yes", false: "no"}[b.Active]}
	case event.RecordingFileReady:
		return map[string]string{"duration": b.Duration.Round(200 * time.Millisecond).String(), "chunks": strconv.Itoa(len(b.Chunks))}
	}
	return nil
}

var inviteCauses = [...]string{"declined", "busy", "no-answer", "unreachable", "canceled", "failed"}

// roster is "alice,bob(muted),carol(held)".
func roster(people []event.Participant) string {
	var names []string
	for _, p := range people {
		name := strings.TrimPrefix(p.ID, "8:acs:")
		if p.Muted {
			name += "(muted)"
		}
		if p.OnHold {
			name += "(held)"
		}
		names = append(names, name)
	}
	return strings.Join(names, ",")
}

func (s *stage) history() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for i, e := range s.events {
		fmt.Fprintf(&b, "  %2d %v %s%+v context=%q\n", i, e.Time.Sub(s.events[0].Time), reflect.TypeOf(e.Body).Name(), e.Body, e.Context)
	}
	return b.String()
}

func cause(s string) leg.Cause {
	for c := leg.Normal; c <= leg.Failed; c++ {
		if strings.ReplaceAll(c.String(), " ", "-") == s {
			return c
		}
	}
	panic("no such cause: " + s)
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}

func duration(s string) time.Duration {
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		panic(err)
	}
	return d
}

// prompts reads "440Hz:2s,missing".
func prompts(s string) []call.Prompt {
	var list []call.Prompt
	for name := range strings.SplitSeq(s, ",") {
		if name != "" {
			list = append(list, call.Prompt{URI: name})
		}
	}
	return list
}

func prompts2source(uri string) media.Source {
	freq, d, _ := strings.Cut(uri, "Hz:")
	return mediatest.Tone(float64(number(freq)), -10, duration(d))
}

// fetch loads "440Hz:2s" as a tone; "missing", "garbage" and "slow" fail in
// their ways.
func fetch(_ context.Context, uri, _ string) call.Sound { return tone(uri) }

type tone string

func (p tone) Ready(ctx context.Context) error {
	switch p {
	case "missing":
		return prompt.ErrUnreachable
	case "garbage":
		return prompt.ErrFormat
	case "slow":
		select {
		case <-time.After(10 * time.Second):
			return prompt.ErrUnreachable
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (p tone) Source() media.Source {
	switch p {
	case "garbage":
		return media.SourceFunc(func(*media.Frame) (int, error) { return 0, prompt.ErrFormat })
	}
	return prompts2source(string(p))
}

func (p tone) Looped() media.Source { return media.Loop(p.Source) }
