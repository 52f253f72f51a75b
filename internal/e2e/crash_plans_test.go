package e2e_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A staff is what works at a desk while a server lives: it takes the calls that
// ring, each after a plan that the caller's last digit names, and places some.
// When the server dies it stops where it stands.
type staff struct {
	*desk
	phones *phones
	stream string // where sound is streamed to
	ctx    context.Context
	stop   context.CancelFunc
	all    sync.WaitGroup
	serial *atomic.Int64

	mu      sync.Mutex // over all below
	random  *rand.Rand
	numbers map[string]string // of callers, by connection
}

// A visit is one call in the hands of the staff.
type visit struct {
	*staff
	connection string
	number     string         // the caller's
	who        map[string]any // the caller, or who was called
	random     *rand.Rand
}

// plans, by the last digit of the caller's number.
var plans = [10]func(v *visit, token string){
	0: (*visit).menu, 1: (*visit).tape, 2: (*visit).tape, 3: (*visit).crowd, 4: (*visit).media,
	5: (*visit).late, 6: (*visit).transfer, 7: (*visit).redirect, 8: (*visit).streams, 9: (*visit).music,
}

// newVisit has a source of chance of its own, so that one visit's luck is not
// the other's.
func (s *staff) newVisit() *visit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &visit{staff: s, random: rand.New(rand.NewPCG(s.random.Uint64(), 2))}
}

// ring takes a call that comes in.
func (s *staff) ring(n notice) {
	number := strings.TrimPrefix(n.From.RawID, "4:")
	v := s.newVisit()
	v.number, v.who = number, telephone(number)
	plan := plans[9]
	if number != caller { // that is baresip
		plan = plans[number[len(number)-1]-'0']
	}
	s.goes(func() { plan(v, n.Token) })
}

func (s *staff) goes(f func()) {
	if s.ctx.Err() == nil {
		s.all.Go(f)
	}
}

// leaves ends what the staff does, and waits for that.
func (s *staff) leaves() {
	s.stop()
	s.all.Wait()
}

func telephone(number string) map[string]any {
	return map[string]any{"kind": "phoneNumber", "phoneNumber": map[string]any{"value": number}}
}

func (v *visit) pause(least, most time.Duration) {
	select {
	case <-time.After(least + time.Duration(v.random.Int64N(int64(most-least)))):
	case <-v.ctx.Done():
	}
}

// name is that of an operation, like no other.
func (s *staff) name(what string) string { return fmt.Sprintf("%s-%d", what, s.serial.Add(1)) }

// last are the events that end a connection, as far as its app is concerned.
var last = []string{"CallDisconnected", "AnswerFailed", "CreateCallFailed"}

// await waits for one of some events of the call, or its end. An empty context
// is any.
func (v *visit) await(context string, kinds ...string) bool {
	_, err := v.wait(v.ctx, func(n notice) bool {
		return n.connection == v.connection &&
			(slices.Contains(last, n.kind) || slices.Contains(kinds, n.kind) && (context == "" || n.context == context))
	})
	return err == nil
}

// says commands something, and gives the context of the operation.
func (v *visit) says(verb string, body map[string]any) *request {
	if v.ctx.Err() != nil {
		return &request{}
	}
	if body == nil {
		body = map[string]any{}
	}
	body["operationContext"] = v.name(verb)
	slash := ":"
	if strings.HasPrefix(verb, "participants:") {
		slash = "/"
	}
	return v.ask(context.Background(), "POST", "/calling/callConnections/"+v.connection+slash+verb, body)
}

// answer answers the call and waits until it is up.
func (v *visit) answer(token string, more map[string]any) bool {
	body := map[string]any{"incomingCallContext": token, "callbackUri": v.url + "/calls", "operationContext": v.name("answer")}
	for k, x := range more {
		body[k] = x
	}
	r := v.ask(context.Background(), "POST", "/calling/callConnections:answer", body)
	v.owns(r)
	return r.status == 200 && v.await("", "CallConnected")
}

// owns takes the connection that a request was answered with.
func (v *visit) owns(r *request) {
	v.connection = r.result("callConnectionId")
	v.mu.Lock()
	defer v.mu.Unlock()
	v.numbers[v.connection] = v.number
}

func (v *visit) hangUp() {
	if v.ctx.Err() == nil {
		v.ask(context.Background(), "POST", "/calling/callConnections/"+v.connection+":terminate", nil)
	}
}

// source is a file that the desk serves.
func (v *visit) source(name string) map[string]any {
	return map[string]any{"kind": "file", "playSourceCacheId": name, "file": map[string]any{"uri": v.url + "/" + name}}
}

func (v *visit) play(name string, loop bool) *request {
	return v.says("play", map[string]any{"playSources": []any{v.source(name)}, "playTo": []any{}, "playOptions": map[string]any{"loop": loop}})
}

func (v *visit) recognize(prompt string) *request {
	return v.says("recognize", map[string]any{"recognizeInputType": "dtmf", "playPrompt": v.source(prompt), "recognizeOptions": map[string]any{
		"targetParticipant": v.who, "initialSilenceTimeoutInSeconds": 1, "dtmfOptions": map[string]any{"maxTonesToCollect": 1},
	}})
}

// menu: a prompt, a question that nobody answers, and good-bye.
func (v *visit) menu(token string) {
	if !v.answer(token, nil) {
		return
	}
	v.await(v.play("short.wav", false).context, "PlayCompleted")
	v.await(v.recognize("short.wav").context, "RecognizeFailed")
	v.hangUp()
}

// tape: the caller is recorded. Some recordings are stopped, some calls hung up.
func (v *visit) tape(token string) {
	if !v.answer(token, nil) || v.ctx.Err() != nil {
		return
	}
	channel := []string{"mixed", "unmixed"}[v.random.IntN(2)]
	r := v.ask(context.Background(), "POST", "/calling/recordings", map[string]any{
		"callConnectionId": v.connection, "recordingChannelType": channel, "recordingContentType": "audio", "recordingFormatType": "wav",
		"recordingStateCallbackUri": v.url + "/calls",
	})
	if id := r.result("recordingId"); v.random.IntN(4) == 0 && id != "" {
		v.pause(300*time.Millisecond, 1200*time.Millisecond)
		if v.ctx.Err() == nil {
			v.ask(context.Background(), "DELETE", "/calling/recordings/"+id, nil)
		}
		v.pause(100*time.Millisecond, 300*time.Millisecond)
		v.hangUp()
	}
}

// crowd: others are asked into the call, and go, or never come.
func (v *visit) crowd(token string) {
	if !v.answer(token, nil) {
		return
	}
	var name string
	for _, behaviour := range []int{answersSoon, isBusy, answersAtOnce, ringsForEver} {
		who := telephone(v.phones.callee(behaviour))
		name = v.name("invitation")
		r := v.says("participants:add", map[string]any{"participantToAdd": who, "invitationId": name, "sourceCallerIdNumber": map[string]any{"value": "+15550199"}})
		if behaviour == ringsForEver {
			break
		}
		v.await(r.context, "AddParticipantSucceeded", "AddParticipantFailed")
		v.pause(50*time.Millisecond, 300*time.Millisecond)
		switch behaviour {
		case answersSoon:
			v.says("participants:mute", map[string]any{"targetParticipants": []any{who}})
			v.says("hold", map[string]any{"targetParticipant": who, "playSourceInfo": v.source("long.wav")})
		case answersAtOnce:
			v.says("participants:remove", map[string]any{"participantToRemove": who})
		}
	}
	v.pause(300*time.Millisecond, 800*time.Millisecond)
	if v.random.IntN(2) == 0 {
		v.says("participants:cancelAddParticipant", map[string]any{"invitationId": name})
	}
}

// media: everything that has sound, one upon the other.
func (v *visit) media(token string) {
	if !v.answer(token, nil) {
		return
	}
	v.says("startContinuousDtmfRecognition", map[string]any{"targetParticipant": v.who})
	for v.ctx.Err() == nil {
		v.play("long.wav", true)
		v.play("short.wav", false)
		question := v.recognize("long.wav")
		v.pause(100*time.Millisecond, 300*time.Millisecond)
		v.says("cancelAllMediaOperations", nil)
		v.await(question.context, "RecognizeCanceled", "RecognizeFailed")
		keys := v.says("sendDtmfTones", map[string]any{"tones": []string{"one", "two", "three", "four"}, "targetParticipant": v.who})
		v.await(keys.context, "SendDtmfTonesCompleted", "SendDtmfTonesFailed")
	}
}

// late: the call rings for a while; then it is answered, refused, or forgotten.
func (v *visit) late(token string) {
	v.pause(200*time.Millisecond, 1500*time.Millisecond)
	switch chance := v.random.IntN(3); {
	case v.ctx.Err() != nil:
	case chance == 0:
		v.ask(context.Background(), "POST", "/calling/callConnections:reject", map[string]any{"incomingCallContext": token, "callRejectReason": "busy"})
	case chance == 1:
		v.answer(token, nil)
	}
}

func (v *visit) transfer(token string) {
	if v.answer(token, nil) {
		v.says("transferToParticipant", map[string]any{"targetParticipant": telephone(v.phones.callee(answersSoon))})
	}
}

func (v *visit) redirect(token string) {
	behaviour := []int{answersSoon, ringsForEver, leavesSoon}[v.random.IntN(3)]
	v.ask(context.Background(), "POST", "/calling/callConnections:redirect", map[string]any{"incomingCallContext": token, "target": telephone(v.phones.callee(behaviour))})
}

// streams: the caller's sound goes out by a websocket.
func (v *visit) streams(token string) {
	streaming := map[string]any{"transportUrl": v.stream, "transportType": "websocket", "contentType": "audio", "audioChannelType": "unmixed", "startMediaStreaming": false}
	if !v.answer(token, map[string]any{"mediaStreamingOptions": streaming}) {
		return
	}
	v.await(v.says("startMediaStreaming", nil).context, "MediaStreamingStarted", "MediaStreamingFailed")
	if v.random.IntN(3) == 0 {
		v.pause(100*time.Millisecond, 600*time.Millisecond)
		v.says("stopMediaStreaming", nil)
	}
}

// music until somebody hangs up.
func (v *visit) music(token string) {
	if v.answer(token, nil) {
		v.play("long.wav", true)
	}
}

// places calls somebody, plays to them, and hangs up.
func (s *staff) places(who map[string]any) {
	v := s.newVisit()
	v.who = who
	r := v.ask(context.Background(), "POST", "/calling/callConnections", map[string]any{
		"targets": []any{who}, "callbackUri": v.url + "/calls", "operationContext": v.name("create"),
		"sourceCallerIdNumber": map[string]any{"value": "+15550199"},
	})
	v.owns(r)
	if v.connection == "" || !v.await("", "CallConnected") {
		return
	}
	v.await(v.play("short.wav", false).context, "PlayCompleted")
	v.pause(100*time.Millisecond, time.Second)
	v.hangUp()
}
