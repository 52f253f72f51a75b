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
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tipring/tipring/internal/call"
	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/leg/legtest"
	"github.com/tipring/tipring/media"
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
	ticks *metronome.Metronome
	beat  *time.Ticker // the scenario's own steps
	house

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
	s := &stage{t: t, ticks: ticks, beat: time.NewTicker(media.Period), legs: map[string]*legtest.Leg{}, heard: map[string]*earwitness{}}
	s.ctx, s.stop = context.WithCancel(t.Context())
	s.open(t.TempDir())
	s.run(file)
	s.stop()
	s.close()
	stopClock()
	running.Wait()
	s.beat.Stop()
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
	case "crash":
		return s.disaster(rest)
	case "disk":
		return s.disk(rest[1])
	case "uncalled":
		if l, _ := s.leg(rest[1]); l != nil {
			return errors.New("is called")
		}
		return nil
	}
	if options["unanswered"] == "yes" {
		return s.unanswered(func() error { return s.command(rest, options) })
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
		p, err := s.calls.Answer(ctx, call.Answer{Token: s.token, Callback: "http://app/cb", Context: options["context"], Streaming: streaming(options["stream"])})
		if err == nil {
			s.connection = p.Connection
			if options["unconnected"] == "" {
				return s.expect("CallConnected", nil, peek)
			}
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
	case "stream":
		return send(call.StartStreaming{Operation: op})
	case "unstream":
		return send(call.StopStreaming{Operation: op})
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
		to := call.Connect{Group: options["group"], Callback: "http://other/cb", Context: options["context"], Streaming: streaming(options["stream"])}
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
	name, to, elsewhere := strings.Cut(name, ">")
	if !elsewhere {
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
	if elsewhere {
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
func (s *stage) dial(i call.Invite) (leg.Leg, error) {
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

func (s *stage) wait(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		<-s.beat.C
	}
}

// told notes events, under the lock.
func (s *stage) told(events []event.Event) {
	for _, e := range events {
		switch e.Body.(type) {
		case event.CallStarted, event.CallEnded, event.ParticipantAdded, event.ParticipantRemoved:
			// what subscribers are told beside; TestSubscribersAreToldOfACall looks at it
		default:
			s.events = append(s.events, e)
		}
	}
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
