package call_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/call"
	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/leg"
)

var update = flag.Bool("update", false, "write testdata/memo.json anew: only with a new version of memos")

// busy is a call that has something of everything under way.
func busy() *subscribers {
	s := newSubscribers()
	s.step(call.Rang{Leg: 1, Token: "token", Call: leg.Call{From: leg.Party{ID: alice, Display: "Alice"}, To: leg.Party{ID: "8:acs:bot"}}})
	s.step(call.AnswerRequest{Ask: s.ask(), Connection: "connection", Answer: call.Answer{
		Callback: "https://app/cb?key=1", Context: "answer", Streaming: &call.Streaming{URL: "wss://app/stream", StartAtOnce: true},
	}})
	s.step(call.AnswerDone{Leg: 1})
	s.step(call.StreamUp{Connection: "connection"})
	s.step(call.ConnectRequest{Ask: s.ask(), Connection: "second", Connect: call.Connect{Callback: "https://other/cb", Context: "connect"}})
	of := func(context string) call.Operation {
		return call.Operation{Context: context, Callback: "https://app/" + context}
	}
	s.command(call.Play{Sources: []call.Prompt{{URI: "https://app/1.wav"}}, Operation: of("play")})
	s.command(call.Recognize{Target: alice, MaxTones: 4, Operation: of("recognize")})
	s.command(call.Add{Target: bob, Invitation: "invitation", Operation: of("add")})
	s.command(call.Transfer{Target: carol, Operation: of("transfer")})
	s.step(call.Request{Ask: s.ask(), Connection: "second", Command: call.Move{Targets: []string{carol}, From: "elsewhere", Operation: of("move")}})
	s.step(call.RecordRequest{Ask: s.ask(), ID: "recording", Record: call.Record{Callback: "https://app/rec", Mixed: true}})
	s.step(call.RecordingOpened{Ask: s.ask(), ID: "recording"})
	return s
}

// A memo is written as it always was, so that the program that is started after
// a crash can read it, and it holds nothing that could be misused.
func TestAMemoIsWrittenAsItWas(t *testing.T) {
	memo := append(busy().machine.Memo(), '\n')
	const golden = "testdata/memo.json"
	if *update {
		if err := os.WriteFile(golden, memo, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(memo, want) {
		t.Errorf("memos have changed: they need a new version\n%s\nwant\n%s", memo, want)
	}
	for _, secret := range []string{"token", "1.wav", "wss:"} {
		if bytes.Contains(memo, []byte(secret)) {
			t.Errorf("%q is in %s", secret, memo)
		}
	}
}

// The last words of such a call, word for word.
func TestLastWords(t *testing.T) {
	m, err := call.Restore("call", busy().machine.Memo())
	if err != nil {
		t.Fatal(err)
	}
	file := event.RecordingFileReady{Recording: "recording", Duration: time.Second, Chunks: []event.RecordingChunk{{Document: "recording-0"}}}
	began := time.Date(2026, 9, 15, 12, 0, 0, 0, time.UTC)
	var got strings.Builder
	for _, a := range m.Step(began.Add(time.Hour), call.Restarted{Files: map[string]event.RecordingFileReady{"recording": file}}) {
		if p, ok := a.(call.Publish); ok {
			e := p.Event
			fmt.Fprintf(&got, "%s %d %s %s %T%+v\n", e.Connection, e.Seq, e.Callback, e.Context, e.Body, e.Body)
		}
	}
	want := ` 0   event.ParticipantRemoved{Participant:8:acs:alice StartedBy:8:acs:alice Display:Alice Group: Room: TwoParty:true}
connection 4 https://app/play play event.PlayFailed{Cause:4 Index:0}
connection 5 https://app/recognize recognize event.RecognizeFailed{Cause:5 Digits: Index:0 Play:0}
connection 6 https://app/add add event.AddFailed{Participant:8:acs:bob Invitation:invitation Cause:6}
connection 7 https://app/transfer transfer event.TransferFailed{Cause:6}
second 3 https://app/move move event.MoveFailed{Participant:8:acs:carol From:elsewhere Restart:true}
 0 https://app/rec  event.RecordingStateChanged{Recording:recording Active:false Started:2026-09-15 12:00:00 +0000 UTC}
connection 8 https://app/cb?key=1  event.MediaStreamingFailed{Cause:2}
connection 9 https://app/cb?key=1 answer event.CallDisconnected{Reason:7}
second 4 https://other/cb connect event.CallDisconnected{Reason:7}
 0   event.RecordingFileReady{Recording:recording Started:0001-01-01 00:00:00 +0000 UTC Duration:1s Channel: Format: EndReason: Chunks:[{Document:recording-0 Index:0 EndReason:}]}
 0   event.CallEnded{StartedBy:8:acs:alice Group: Room: TwoParty:true Duration:1h0m0s EndedBy: Reason:7}
`
	if got.String() != want {
		t.Errorf("said\n%s\nwant\n%s", &got, want)
	}
	if memo := m.Memo(); memo != nil {
		t.Errorf("there is still %s", memo)
	}
}

// A memo stays as small as what it remembers.
func TestAMemoIsSmall(t *testing.T) {
	if n := len(ivr().machine.Memo()); n > 600 {
		t.Errorf("a call with a prompt takes %d bytes: %s", n, ivr().machine.Memo())
	}
	if n := len(meeting(350).machine.Memo()); n > 350*40+600 {
		t.Errorf("a call of 350 takes %d bytes", n)
	}
}

// ivr is a call as most are: one caller, one application, one prompt.
func ivr() *subscribers {
	s := newSubscribers()
	s.machine.Correlation = "0f8fad5b-d9cb-469f-a165-70867728950e"
	s.step(call.Rang{Leg: 1, Token: "token", Call: leg.Call{From: leg.Party{ID: "4:+15550100", Display: "Alice"}, To: leg.Party{ID: "4:+15550123"}}})
	s.step(call.AnswerRequest{Ask: s.ask(), Connection: "connection", Answer: call.Answer{
		Callback: "https://app.example.com/api/callbacks/7c9e6679-7425-40de-944b-e07fc1f90ae7", Context: "answer",
	}})
	s.step(call.AnswerDone{Leg: 1})
	s.command(call.Play{Sources: []call.Prompt{{URI: "https://app.example.com/welcome.wav"}}, Operation: call.Operation{Context: "welcome"}})
	return s
}

// meeting is a call of many.
func meeting(n int) *subscribers {
	s := newSubscribers()
	s.answered()
	for i := 2; i <= n; i++ {
		s.command(call.Add{Target: fmt.Sprintf("4:+1555%07d", i), Invitation: "i"})
		s.step(call.LegHappened{Leg: call.LegID(i), Event: leg.Answered{}})
	}
	return s
}

func TestAMemoThatCannotBeRead(t *testing.T) {
	good := string(ivr().machine.Memo())
	const version, garbled = "of another version", "garbled"
	for name, c := range map[string]struct{ text, why string }{
		"empty":                {"", garbled},
		"nothing":              {"null", garbled},
		"cut short":            {good[:len(good)/2], garbled},
		"another thing":        {`["a"]`, garbled},
		"no version":           {`{"phase":5}`, garbled},
		"a later version":      {strings.Replace(good, `"v":1`, `"v":2`, 1), version},
		"a later form":         {`{"v":7,"phase":"up"}`, version},
		"an operation of none": {strings.Replace(good, `"operations":[{`, `"operations":[{"of":9,`, 1), garbled},
		"a place below zero":   {strings.Replace(good, `"operations":[{`, `"operations":[{"of":-1,`, 1), garbled},
	} {
		if _, err := call.Restore("call", []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, want %q", name, err, c.why)
		}
	}
}

// FuzzRestore: whatever stands in a memo, it is refused, or it says last words
// and is done with.
func FuzzRestore(f *testing.F) {
	f.Add(busy().machine.Memo())
	f.Add(ivr().machine.Memo())
	f.Add([]byte(`{"v":1,"phase":3,"connections":[{"id":"a"}],"tapes":[{"id":"t","started":"2026-09-15T12:00:00Z"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := call.Restore("call", text)
		if err != nil {
			return
		}
		actions := m.Step(time.Now(), call.Restarted{})
		if _, ok := actions[len(actions)-1].(call.Finish); !ok {
			t.Errorf("it ends with %T", actions[len(actions)-1])
		}
		if memo := m.Memo(); memo != nil {
			t.Errorf("there is still %s", memo)
		}
	})
}

func BenchmarkMemo(b *testing.B) {
	for name, s := range map[string]*subscribers{"ivr": ivr(), "350": meeting(350)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n = len(s.machine.Memo())
			}
			b.ReportMetric(float64(n), "bytes")
		})
	}
}

func BenchmarkRestore(b *testing.B) {
	for name, memo := range map[string][]byte{"ivr": ivr().machine.Memo(), "350": meeting(350).machine.Memo()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m, err := call.Restore("call", memo)
				if err != nil {
					b.Fatal(err)
				}
				m.Step(time.Time{}, call.Restarted{})
			}
		})
	}
}
