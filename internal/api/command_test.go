package api_test

import (
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/call"
)

// The bodies are those that Microsoft's JavaScript client sends.
func TestWhatTheSDKSendsBecomesTheRightCommand(t *testing.T) {
	const target = "4:+14255550123"
	const phone = `{"rawId":"4:+14255550123","phoneNumber":{"value":"+14255550123","isAnonymous":false}}`
	const conn = "/callConnections/conn-1"
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		want                     any
	}{
		{"answerCall", "POST", "/callConnections:answer",
			`{"incomingCallContext":"INCOMINGCTX","callbackUri":"http://localhost:9/cb","operationContext":"a","callIntelligenceOptions":{"cognitiveServicesEndpoint":"https://cog/"},"answeredBy":{"id":"8:acs:bot"},"mediaStreamingOptions":{"transportType":"websocket","audioChannelType":"unmixed","transportUrl":"wss://localhost:1/ws","contentType":"audio","startMediaStreaming":true,"enableBidirectional":true,"audioFormat":"Pcm24KMono","enableDtmfTones":true},"transcriptionOptions":{"transportType":"websocket","locale":"en-US","transportUrl":"wss://localhost:1/tr","startTranscription":false,"enableIntermediateResults":true}}`,
			200, call.Answer{Token: "INCOMINGCTX", Callback: "http://localhost:9/cb", Context: "a", AnsweredBy: "8:acs:bot",
				Streaming: &call.Streaming{URL: "wss://localhost:1/ws", Rate: 24000, StartAtOnce: true, Bidirectional: true, Digits: true}}},
		{"answerCall, nothing more than needed", "POST", "/callConnections:answer",
			`{"incomingCallContext":"X","callbackUri":"https://app/cb","somethingNew":{"a":[1]}}`,
			200, call.Answer{Token: "X", Callback: "https://app/cb"}},
		{"answerCall, mixed streaming", "POST", "/callConnections:answer",
			`{"incomingCallContext":"X","callbackUri":"https://app/cb","mediaStreamingOptions":{"transportType":"websocket","audioChannelType":"mixed","transportUrl":"ws://app/ws"}}`,
			200, call.Answer{Token: "X", Callback: "https://app/cb", Streaming: &call.Streaming{URL: "ws://app/ws", Mixed: true, Rate: 16000}}},
		{"rejectCall", "POST", "/callConnections:reject", `{"incomingCallContext":"INCOMINGCTX","callRejectReason":"busy"}`, 204, "reject INCOMINGCTX busy"},
		{"rejectCall forbidden", "POST", "/callConnections:reject", `{"incomingCallContext":"X","callRejectReason":"forbidden"}`, 204, "reject X forbidden"},
		{"rejectCall none", "POST", "/callConnections:reject", `{"incomingCallContext":"X","callRejectReason":"none"}`, 204, "reject X declined"},
		{"rejectCall without a reason", "POST", "/callConnections:reject", `{"incomingCallContext":"X"}`, 204, "reject X declined"},
		{"hangUp(false)", "DELETE", conn, "", 204, call.HangUp{}},
		{"hangUp(true)", "POST", conn + ":terminate", "", 204, call.HangUp{ForEveryone: true}},
		{"play(file)", "POST", conn + ":play",
			`{"playSources":[{"kind":"file","playSourceCacheId":"cache1","file":{"uri":"http://localhost/a.wav"}}],"playTo":[` + phone + `],"playOptions":{"loop":true},"operationContext":"p","operationCallbackUri":"http://localhost:9/cb2"}`,
			202, call.Play{Sources: []call.Prompt{{URI: "http://localhost/a.wav", CacheID: "cache1"}}, Targets: []string{target}, Loop: true,
				Operation: call.Operation{Context: "p", Callback: "http://localhost:9/cb2"}}},
		{"playToAll(text,ssml)", "POST", conn + ":play",
			`{"playSources":[{"kind":"text","text":{"text":"hello","sourceLocale":"en-US","voiceKind":"female","voiceName":"en-US-JennyNeural"}},{"kind":"ssml","ssml":{"ssmlText":"<speak/>"}}],"playTo":[],"interruptCallMediaOperation":true,"playOptions":{"loop":false},"operationContext":"pa"}`,
			202, call.Play{Sources: []call.Prompt{{Text: "hello", Locale: "en-US", Voice: "en-US-JennyNeural"}, {SSML: "<speak/>"}},
				Targets: []string{}, Interrupt: true, Operation: call.Operation{Context: "pa"}}},
		{"startRecognizing(dtmf)", "POST", conn + ":recognize",
			`{"recognizeInputType":"dtmf","playPrompt":{"kind":"file","playSourceCacheId":"cache1","file":{"uri":"http://localhost/a.wav"}},"interruptCallMediaOperation":true,"recognizeOptions":{"interruptPrompt":true,"initialSilenceTimeoutInSeconds":10,"targetParticipant":` + phone + `,"dtmfOptions":{"interToneTimeoutInSeconds":3,"maxTonesToCollect":4,"stopTones":["pound"]}},"operationContext":"r"}`,
			202, call.Recognize{Target: target, Prompts: []call.Prompt{{URI: "http://localhost/a.wav", CacheID: "cache1"}}, BargeIn: true,
				InitialSilence: 10 * time.Second, InterTone: 3 * time.Second, MaxTones: 4, StopTones: "#", Interrupt: true, Operation: call.Operation{Context: "r"}}},
		{"startRecognizing(dtmf-defaults)", "POST", conn + ":recognize",
			`{"recognizeInputType":"dtmf","recognizeOptions":{"initialSilenceTimeoutInSeconds":5,"targetParticipant":` + phone + `,"dtmfOptions":{"interToneTimeoutInSeconds":2,"maxTonesToCollect":1}},"operationContext":"cadd516a"}`,
			202, call.Recognize{Target: target, Prompts: []call.Prompt{}, BargeIn: true, InitialSilence: 5 * time.Second, InterTone: 2 * time.Second,
				MaxTones: 1, Operation: call.Operation{Context: "cadd516a"}}},
		{"startRecognizing, nothing more than needed", "POST", conn + ":recognize",
			`{"recognizeInputType":"DTMF","playPrompts":[{"kind":"file","file":{"uri":"http://a/1"}},{"kind":"file","file":{"uri":"http://a/2"}}],"recognizeOptions":{"interruptPrompt":false,"initialSilenceTimeoutInSeconds":0,"targetParticipant":{"rawId":"8:acs:alice"},"dtmfOptions":{"maxTonesToCollect":9,"stopTones":["asterisk","d"]}}}`,
			202, call.Recognize{Target: "8:acs:alice", Prompts: []call.Prompt{{URI: "http://a/1"}, {URI: "http://a/2"}}, InterTone: 2 * time.Second, MaxTones: 9, StopTones: "*D"}},
		{"startContinuousDtmfRecognition", "POST", conn + ":startContinuousDtmfRecognition",
			`{"targetParticipant":` + phone + `,"operationContext":"cd"}`, 200, call.ListenTones{Target: target, Operation: call.Operation{Context: "cd"}}},
		{"stopContinuousDtmfRecognition", "POST", conn + ":stopContinuousDtmfRecognition",
			`{"targetParticipant":` + phone + `,"operationContext":"cd","operationCallbackUri":"http://localhost:9/cb2"}`,
			200, call.StopTones{Target: target, Operation: call.Operation{Context: "cd", Callback: "http://localhost:9/cb2"}}},
		{"cancelAllOperations", "POST", conn + ":cancelAllMediaOperations", "", 202, call.CancelAll{}},
		{"startMediaStreaming", "POST", conn + ":startMediaStreaming",
			`{"operationCallbackUri":"http://localhost:9/cb2","operationContext":"ms"}`, 202,
			call.StartStreaming{Operation: call.Operation{Context: "ms", Callback: "http://localhost:9/cb2"}}},
		{"stopMediaStreaming", "POST", conn + ":stopMediaStreaming", `{"operationContext":"ms"}`, 202, call.StopStreaming{Operation: call.Operation{Context: "ms"}}},
		{"stopMediaStreaming without a body", "POST", conn + ":stopMediaStreaming", ``, 202, call.StopStreaming{}},
		{"recording.start", "POST", "/recordings",
			`{"callLocator":{"serverCallId":"SERVERCALLID","kind":"serverCallLocator"},"recordingStateCallbackUri":"http://localhost:9/cb","recordingContentType":"audio","recordingChannelType":"unmixed","recordingFormatType":"wav","audioChannelParticipantOrdering":[{"kind":"communicationUser","rawId":"8:acs:u","communicationUser":{"id":"8:acs:u"}}],"channelAffinity":[{"channel":0,"participant":` + phone + `}],"pauseOnStart":true}`,
			200, call.Record{Call: "SERVERCALLID", Callback: "http://localhost:9/cb", Format: "wav", Channels: []string{target, "8:acs:u"}, PauseOnStart: true}},
		{"recording.start(callConnectionId)", "POST", "/recordings", `{"callConnectionId":"conn-1"}`,
			200, call.Record{Connection: "conn-1", Mixed: true, Format: "wav", Channels: []string{}}},
		{"recording.start, a channel left free", "POST", "/recordings",
			`{"callConnectionId":"conn-1","recordingChannelType":"unmixed","channelAffinity":[{"channel":1,"participant":` + phone + `}],"externalStorage":{"recordingStorageKind":"azureCommunicationServices"}}`,
			200, call.Record{Connection: "conn-1", Format: "wav", Channels: []string{"", target}}},
		{"recording.getState", "GET", "/recordings/rec-1", "", 200, "recording rec-1"},
		{"recording.pause", "POST", "/recordings/rec-1:pause", "", 202, "pause rec-1"},
		{"recording.resume", "POST", "/recordings/rec-1:resume", "", 202, "resume rec-1"},
		{"recording.stop", "DELETE", "/recordings/rec-1", "", 204, "stop rec-1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer()
			w := s.do(signed(c.method, "/calling"+c.path+"?api-version=2026-03-12", c.body))
			if w.Code != c.status {
				t.Fatalf("status %d, want %d: %s", w.Code, c.status, w.Body)
			}
			if (c.status == 202 || c.status == 204) && w.Body.Len() > 0 {
				t.Errorf("a body: %s", w.Body)
			}
			if len(s.calls.asked) != 1 || !reflect.DeepEqual(s.calls.asked[0], c.want) {
				t.Errorf("asked %+v\nwant   %+v", s.calls.asked, c.want)
			}
		})
	}
}

func TestAnswersAreWhatTheSDKParses(t *testing.T) {
	s := newServer()
	const connection = `{"callConnectionId":"conn-1","serverCallId":"c2VydmVyY2FsbA==","correlationId":"corr-1","callConnectionState":"connected","callbackUri":"http://localhost:9/cb",` +
		`"targets":[{"kind":"communicationUser","rawId":"8:acs:bot","communicationUser":{"id":"8:acs:bot"}}],` +
		`"source":{"kind":"phoneNumber","rawId":"4:+14255550123","phoneNumber":{"value":"+14255550123"}},"sourceDisplayName":"Alice","answeredBy":{"id":"8:acs:bot"}}`
	const phone = `{"identifier":{"kind":"phoneNumber","rawId":"4:+14255550123","phoneNumber":{"value":"+14255550123"}},"isMuted":false,"isOnHold":true}`
	const alice = `{"identifier":{"kind":"communicationUser","rawId":"8:acs:alice","communicationUser":{"id":"8:acs:alice"}},"isMuted":false,"isOnHold":false}`
	for _, c := range []struct{ method, path, body, want string }{
		{"POST", "/callConnections:answer", `{"incomingCallContext":"X","callbackUri":"http://a/"}`, connection},
		{"GET", "/callConnections/conn-1", "", connection},
		{"GET", "/callConnections/conn-1/participants", "", `{"value":[` + phone + `,` + alice + `]}`},
		{"GET", "/callConnections/conn-1/participants/4%3A%2B14255550123", "", phone},
		{"GET", "/callConnections/conn-1/participants/4:+14255550123", "", phone},
		{"GET", "/callConnections/conn-1/participants/8%3Aacs%3Aalice", "", alice},
		{"GET", "/recordings/rec-1", "", `{"recordingId":"rec-1","recordingState":"active","recordingKind":"azureCommunicationServices"}`},
		{"POST", "/recordings", `{"callConnectionId":"conn-1","pauseOnStart":true}`, `{"recordingId":"rec-1","recordingState":"inactive","recordingKind":"azureCommunicationServices"}`},
	} {
		w := s.do(signed(c.method, "/calling"+c.path, c.body, func(r *http.Request) { r.Header.Set("x-ms-client-request-id", "id-7") }))
		if w.Code != 200 || w.Body.String() != c.want {
			t.Errorf("%s %s: %d %s\nwant %s", c.method, c.path, w.Code, w.Body, c.want)
		}
		if w.Header().Get("Content-Type") != "application/json; charset=utf-8" || w.Header().Get("x-ms-client-request-id") != "id-7" {
			t.Errorf("%s %s: headers %v", c.method, c.path, w.Header())
		}
	}
	for _, path := range []string{"/callConnections/conn-1:cancelAllMediaOperations", "/callConnections/conn-1:terminate"} {
		if got := s.post(path, "").Header().Get("X-Microsoft-Skype-Chain-ID"); got != "corr-1" {
			t.Errorf("%s: chain id %q", path, got)
		}
	}
	if w := s.do(signed("GET", "/calling/callConnections/conn-1/participants/4%3A%2B1", "")); w.Code != 404 {
		t.Errorf("a stranger: %d", w.Code)
	}
}
