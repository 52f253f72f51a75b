package api_test

import (
	"net/http"
	"reflect"
	"strings"
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
		{"createCall", "POST", "/callConnections",
			`{"targets":[{"kind":"phoneNumber","rawId":"4:+14255550123","phoneNumber":{"value":"+14255550123","isAnonymous":false}}],"sourceCallerIdNumber":{"value":"+14255550100","isAnonymous":false},"sourceDisplayName":"Bot","source":{"id":"8:acs:bot"},"operationContext":"ctx","callbackUri":"http://localhost:9/cb","callIntelligenceOptions":{"cognitiveServicesEndpoint":"https://cog/"},"mediaStreamingOptions":{"transportType":"websocket","audioChannelType":"unmixed","transportUrl":"wss://localhost:1/ws","contentType":"audio","startMediaStreaming":true,"enableBidirectional":true,"audioFormat":"Pcm24KMono","enableDtmfTones":true},"transcriptionOptions":{"transportType":"websocket","locale":"en-US","transportUrl":"wss://localhost:1/tr","startTranscription":false,"enableIntermediateResults":true}}`,
			201, call.Create{Targets: []string{target}, From: "4:+14255550100", Display: "Bot", Callback: "http://localhost:9/cb", Context: "ctx",
				Streaming: &call.Streaming{URL: "wss://localhost:1/ws", Rate: 24000, StartAtOnce: true, Bidirectional: true, Digits: true}}},
		{"createGroupCall", "POST", "/callConnections",
			`{"targets":[{"kind":"phoneNumber","rawId":"4:+14255550123","phoneNumber":{"value":"+14255550123","isAnonymous":false}},{"kind":"communicationUser","rawId":"8:acs:u","communicationUser":{"id":"8:acs:u"}}],"source":{"id":"8:acs:bot"},"operationContext":"g","callbackUri":"http://localhost:9/cb","customCallingContext":{"sipHeaders":{"X-k":"v"}}}`,
			201, call.Create{Targets: []string{target, "8:acs:u"}, From: "8:acs:bot", Callback: "http://localhost:9/cb", Context: "g",
				Headers: call.Headers{SIP: map[string]string{"X-k": "v"}}}},
		{"createCall, nothing more than needed", "POST", "/callConnections", `{"targets":[` + phone + `],"callbackUri":"http://a/"}`,
			201, call.Create{Targets: []string{target}, Callback: "http://a/"}},
		{"connectCall(server)", "POST", "/callConnections:connect",
			`{"callLocator":{"serverCallId":"SERVERCALLID","kind":"serverCallLocator"},"callbackUri":"http://localhost:9/cb","operationContext":"c"}`,
			200, call.Connect{Call: "SERVERCALLID", Callback: "http://localhost:9/cb", Context: "c"}},
		{"connectCall(room)", "POST", "/callConnections:connect",
			`{"callLocator":{"roomId":"ROOM","kind":"roomCallLocator"},"callbackUri":"http://localhost:9/cb"}`,
			200, call.Connect{Room: "ROOM", Callback: "http://localhost:9/cb"}},
		{"connectCall(group)", "POST", "/callConnections:connect",
			`{"callLocator":{"groupCallId":"GROUP","kind":"groupCallLocator"},"callbackUri":"http://localhost:9/cb","mediaStreamingOptions":{"transportType":"websocket","audioChannelType":"mixed","transportUrl":"ws://app/ws"}}`,
			200, call.Connect{Group: "GROUP", Callback: "http://localhost:9/cb", Streaming: &call.Streaming{URL: "ws://app/ws", Mixed: true, Rate: 16000}}},
		{"redirectCall", "POST", "/callConnections:redirect",
			`{"incomingCallContext":"INCOMINGCTX","target":{"kind":"communicationUser","rawId":"8:acs:u","communicationUser":{"id":"8:acs:u"}}}`,
			204, call.Redirect{Token: "INCOMINGCTX", Targets: []string{"8:acs:u"}}},
		{"redirectCall to several", "POST", "/callConnections:redirect",
			`{"incomingCallContext":"X","target":` + phone + `,"targets":[{"rawId":"8:acs:u"},` + phone + `],"customCallingContext":{"sipHeaders":{"User-To-User":"u"}}}`,
			204, call.Redirect{Token: "X", Targets: []string{"8:acs:u", target}, Headers: call.Headers{SIP: map[string]string{"User-To-User": "u"}}}},
		{"transferCallToParticipant", "POST", conn + ":transferToParticipant",
			`{"targetParticipant":` + phone + `,"operationContext":"t","transferee":{"kind":"communicationUser","rawId":"8:acs:u","communicationUser":{"id":"8:acs:u"}},"operationCallbackUri":"http://localhost:9/cb2","customCallingContext":{"voipHeaders":{"vk":"vv"},"sipHeaders":{"User-To-User":"uui","X-MS-Custom-k":"v","X-k2":"v2"}},"sourceCallerIdNumber":{"value":"+14255550100","isAnonymous":false}}`,
			202, call.Transfer{Target: target, Transferee: "8:acs:u", From: "4:+14255550100",
				Headers:   call.Headers{SIP: map[string]string{"User-To-User": "uui", "X-MS-Custom-k": "v", "X-k2": "v2"}, VoIP: map[string]string{"vk": "vv"}},
				Operation: call.Operation{Context: "t", Callback: "http://localhost:9/cb2"}}},
		{"transferCallToParticipant, nothing more than needed", "POST", conn + ":transferToParticipant", `{"targetParticipant":` + phone + `}`,
			202, call.Transfer{Target: target}},
		{"addParticipant", "POST", conn + "/participants:add",
			`{"sourceCallerIdNumber":{"value":"+14255550100","isAnonymous":false},"sourceDisplayName":"n","participantToAdd":` + phone + `,"invitationTimeoutInSeconds":30,"invitationId":"inv-1","operationContext":"ap","operationCallbackUri":"http://localhost:9/cb2","customCallingContext":{"voipHeaders":{},"sipHeaders":{"X-MS-Custom-k":"v"}}}`,
			202, call.Add{Target: target, Invitation: "inv-1", From: "4:+14255550100", Display: "n", Timeout: 30 * time.Second,
				Headers: call.Headers{SIP: map[string]string{"X-MS-Custom-k": "v"}}, Operation: call.Operation{Context: "ap", Callback: "http://localhost:9/cb2"}}},
		{"cancelAddParticipantOperation", "POST", conn + "/participants:cancelAddParticipant",
			`{"invitationId":"inv-1","operationContext":"x","operationCallbackUri":"http://localhost:9/cb2"}`,
			202, call.CancelAdd{Invitation: "inv-1", Operation: call.Operation{Context: "x", Callback: "http://localhost:9/cb2"}}},
		{"removeParticipant", "POST", conn + "/participants:remove",
			`{"participantToRemove":` + phone + `,"operationContext":"rp","operationCallbackUri":"http://localhost:9/cb2"}`,
			202, call.Remove{Target: target, Operation: call.Operation{Context: "rp", Callback: "http://localhost:9/cb2"}}},
		{"muteParticipant", "POST", conn + "/participants:mute", `{"targetParticipants":[` + phone + `,{"rawId":"8:acs:u"}],"operationContext":"m"}`,
			200, call.Mute{Targets: []string{target, "8:acs:u"}, Operation: call.Operation{Context: "m"}}},
		{"unmute", "POST", conn + "/participants:unmute", `{"targetParticipants":[` + phone + `]}`, 200, call.Mute{Targets: []string{target}, Off: true}},
		{"moveParticipants", "POST", conn + "/participants:moveHere",
			`{"targetParticipants":[` + phone + `],"operationContext":"mv","fromCall":"conn-0"}`,
			202, call.Move{Targets: []string{target}, From: "conn-0", Operation: call.Operation{Context: "mv"}}},
		{"sendDtmfTones", "POST", conn + ":sendDtmfTones",
			`{"tones":["one","two","pound"],"targetParticipant":` + phone + `,"operationContext":"sd","operationCallbackUri":"http://localhost:9/cb2"}`,
			202, call.SendTones{Target: target, Tones: "12#", Operation: call.Operation{Context: "sd", Callback: "http://localhost:9/cb2"}}},
		{"sendDtmfTones, as many as may be", "POST", conn + ":sendDtmfTones",
			`{"tones":["` + strings.Repeat(`one","`, 17) + `d"],"targetParticipant":` + phone + `}`,
			202, call.SendTones{Target: target, Tones: strings.Repeat("1", 17) + "D"}},
		{"hold", "POST", conn + ":hold",
			`{"targetParticipant":` + phone + `,"playSourceInfo":{"kind":"file","playSourceCacheId":"cache1","file":{"uri":"http://localhost/a.wav"}},"operationContext":"h","operationCallbackUri":"http://localhost:9/cb2"}`,
			200, call.Hold{Target: target, Music: &call.Prompt{URI: "http://localhost/a.wav", CacheID: "cache1"},
				Operation: call.Operation{Context: "h", Callback: "http://localhost:9/cb2"}}},
		{"hold in silence", "POST", conn + ":hold", `{"targetParticipant":` + phone + `}`, 200, call.Hold{Target: target}},
		{"unhold", "POST", conn + ":unhold", `{"targetParticipant":` + phone + `,"operationContext":"uh"}`,
			200, call.Hold{Target: target, Off: true, Operation: call.Operation{Context: "uh"}}},
		{"startRecognizing(choices)", "POST", conn + ":recognize",
			`{"recognizeInputType":"choices","playPrompt":{"kind":"text","text":{"text":"hello","sourceLocale":"en-US","voiceKind":"female","voiceName":"en-US-JennyNeural"}},"recognizeOptions":{"initialSilenceTimeoutInSeconds":5,"targetParticipant":` + phone + `,"speechLanguage":"en-US","choices":[{"label":"Confirm","phrases":["confirm","first"],"tone":"one"},{"label":"Cancel","phrases":["cancel"],"tone":"Two"},{"label":"Help","phrases":["help"]},{"label":"Star","tone":"asterisk"}]},"operationContext":"f63d8ab1"}`,
			202, call.Recognize{Target: target, Prompts: []call.Prompt{{Text: "hello", Locale: "en-US", Voice: "en-US-JennyNeural"}}, BargeIn: true,
				InitialSilence: 5 * time.Second, InterTone: 2 * time.Second, MaxTones: 1, Operation: call.Operation{Context: "f63d8ab1"},
				Choices: []call.Choice{{Label: "Confirm", Phrases: []string{"confirm", "first"}, Tone: '1'}, {Label: "Cancel", Phrases: []string{"cancel"}, Tone: '2'},
					{Label: "Help", Phrases: []string{"help"}}, {Label: "Star", Tone: '*'}}}},
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
			if c.status == 204 && w.Body.Len() > 0 {
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
