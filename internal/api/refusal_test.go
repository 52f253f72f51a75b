package api_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/tipring/tipring/internal/call"
)

const (
	conn = "/callConnections/conn-1"
	who  = `{"rawId":"4:+1","phoneNumber":{"value":"+1"}}`
)

// Every mistake is answered with the field that is wrong and what it may be.
func TestMistakesInBodiesAreNamed(t *testing.T) {
	answer := func(more string) string { return `{"incomingCallContext":"X","callbackUri":"http://a/"` + more + `}` }
	stream := func(options string) string { return answer(`,"mediaStreamingOptions":{` + options + `}`) }
	recognize := func(options string) string { return `{"recognizeInputType":"dtmf","recognizeOptions":` + options + `}` }
	dtmf := func(options string) string {
		return recognize(`{"targetParticipant":` + who + `,"dtmfOptions":` + options + `}`)
	}
	choices := func(list string) string {
		return `{"recognizeInputType":"choices","recognizeOptions":{"targetParticipant":` + who + `,"choices":[` + list + `]}}`
	}
	create := func(more string) string { return `{"targets":[` + who + `],"callbackUri":"http://a/",` + more + `}` }
	add := func(more string) string { return `{"participantToAdd":` + who + `,` + more + `}` }
	record := func(more string) string { return `{"callConnectionId":"conn-1",` + more + `}` }
	for _, c := range []struct{ path, body, field, says string }{
		{conn + ":play", ``, "body", "empty"},
		{conn + ":play", `{`, "body", "not whole JSON"},
		{conn + ":play", `{"playSources":[}`, "body", "byte 17"},
		{conn + ":play", `nonsense`, "body", "byte 2"},
		{conn + ":play", `[]`, "body", "array"},
		{conn + ":play", `"x"`, "body", "string"},
		{conn + ":play", `null`, "playSources", "required"},
		{conn + ":play", `{} {}`, "body", "follows"},
		{conn + ":play", `{"playSources":{}}`, "playSources", "array is needed"},
		{conn + ":play", `{"playSources":[{"kind":7}]}`, "playSources.kind", "string is needed"},
		{conn + ":play", `{"playSources":[],"playOptions":{"loop":"yes"}}`, "playOptions.loop", "boolean is needed"},
		{conn + ":play", `{}`, "playSources", "required"},
		{conn + ":play", `{"playSources":[{}]}`, "playSources[0].kind", "required"},
		{conn + ":play", `{"playSources":[{"kind":"video"}]}`, "playSources[0].kind", "file, text, ssml"},
		{conn + ":play", `{"playSources":[{"kind":"file"}]}`, "playSources[0].file.uri", "required"},
		{conn + ":play", `{"playSources":[{"kind":"file","file":{"uri":"http://a/"}},{"kind":"file","file":{"uri":"a.wav"}}]}`, "playSources[1].file.uri", "http or https"},
		{conn + ":play", `{"playSources":[{"kind":"file","file":{"uri":"file:///etc/passwd"}}]}`, "playSources[0].file.uri", "http or https"},
		{conn + ":play", `{"playSources":[{"kind":"file","file":{"uri":"http://:80/x"}}]}`, "playSources[0].file.uri", "http or https"},
		{conn + ":play", `{"playSources":[{"kind":"text","text":{"text":""}}]}`, "playSources[0].text.text", "required"},
		{conn + ":play", `{"playSources":[{"kind":"text","text":{"text":"` + strings.Repeat("ä", 4001) + `"}}]}`, "playSources[0].text.text", "4000"},
		{conn + ":play", `{"playSources":[{"kind":"text","text":{"text":"a","voiceKind":"robot"}}]}`, "playSources[0].text.voiceKind", "male, female"},
		{conn + ":play", `{"playSources":[{"kind":"ssml"}]}`, "playSources[0].ssml.ssmlText", "required"},
		{conn + ":play", `{"playSources":[{"kind":"file","file":{"uri":"http://a/"}}],"playTo":[{}]}`, "playTo[0]", "names nobody"},
		{conn + ":play", `{"playSources":[{"kind":"file","file":{"uri":"http://a/"}}],"operationCallbackUri":"ftp://a"}`, "operationCallbackUri", "http or https"},

		{"/callConnections:answer", `{"callbackUri":"http://a/"}`, "incomingCallContext", "required"},
		{"/callConnections:answer", `{"incomingCallContext":"X"}`, "callbackUri", "required"},
		{"/callConnections:answer", `{"incomingCallContext":"X","callbackUri":"/cb"}`, "callbackUri", "absolute"},
		{"/callConnections:answer", `{"incomingCallContext":"X","callbackUri":"http://a b/"}`, "callbackUri", "absolute"},
		{"/callConnections:answer", stream(``), "mediaStreamingOptions.transportType", "required"},
		{"/callConnections:answer", stream(`"transportType":"quic"`), "mediaStreamingOptions.transportType", "websocket"},
		{"/callConnections:answer", stream(`"transportType":"websocket"`), "mediaStreamingOptions.audioChannelType", "required"},
		{"/callConnections:answer", stream(`"transportType":"websocket","audioChannelType":"stereo"`), "mediaStreamingOptions.audioChannelType", "mixed, unmixed"},
		{"/callConnections:answer", stream(`"transportType":"websocket","audioChannelType":"mixed"`), "mediaStreamingOptions.transportUrl", "required"},
		{"/callConnections:answer", stream(`"transportType":"websocket","audioChannelType":"mixed","transportUrl":"http://a/"`), "mediaStreamingOptions.transportUrl", "ws or wss"},
		{"/callConnections:answer", stream(`"transportType":"websocket","audioChannelType":"mixed","transportUrl":"ws://a/","audioFormat":"pcm8K"`), "mediaStreamingOptions.audioFormat", "pcm16KMono, pcm24KMono"},
		{"/callConnections:answer", stream(`"transportType":"websocket","audioChannelType":"mixed","transportUrl":"ws://a/","contentType":"video"`), "mediaStreamingOptions.contentType", "audio"},

		{"/callConnections:reject", `{}`, "incomingCallContext", "required"},
		{"/callConnections:answer", `{"incomingCallContext":"X","callbackUri":"http://a/","answeredBy":{"id":"8:acs:a\r\nb"}}`, "answeredBy", "control"},

		{"/callConnections", `{"callbackUri":"http://a/"}`, "targets", "required"},
		{"/callConnections", `{"targets":[],"callbackUri":"http://a/"}`, "targets", "required"},
		{"/callConnections", `{"targets":[` + strings.Repeat(who+",", 350) + who + `],"callbackUri":"http://a/"}`, "targets", "allowed: 350"},
		{conn + ":recognize", choices(strings.Repeat(`{"label":"a","tone":"one"},`, 100) + `{}`), "recognizeOptions.choices", "allowed: 100"},
		{"/callConnections", `{"targets":[{}],"callbackUri":"http://a/"}`, "targets[0]", "names nobody"},
		{"/callConnections", `{"targets":[` + who + `,` + who + `],"callbackUri":"http://a/"}`, "targets[1]", "twice"},
		{"/callConnections", `{"targets":[{"rawId":"4:+1\r\nX-Evil: 1"}],"callbackUri":"http://a/"}`, "targets[0]", "control"},
		{"/callConnections", `{"targets":[` + who + `]}`, "callbackUri", "required"},
		{"/callConnections", `{"targets":[` + who + `],"callbackUri":"ftp://a/"}`, "callbackUri", "http or https"},
		{"/callConnections", create(`"sourceCallerIdNumber":{"value":""}`), "sourceCallerIdNumber", "empty"},
		{"/callConnections", create(`"sourceCallerIdNumber":{"value":"+1\n"}`), "sourceCallerIdNumber", "control"},
		{"/callConnections", create(`"sourceDisplayName":"a\u0000b"`), "sourceDisplayName", "control"},
		{"/callConnections", create(`"source":{"id":"8:acs:\u001b"}`), "source", "control"},
		{"/callConnections", create(`"customCallingContext":{"sipHeaders":{"Via":"x"}}`), `customCallingContext.sipHeaders["Via"]`, "X-MS-Custom-"},
		{"/callConnections", create(`"mediaStreamingOptions":{}`), "mediaStreamingOptions.transportType", "required"},

		{"/callConnections:connect", `{"callbackUri":"http://a/"}`, "callLocator", "required"},
		{"/callConnections:connect", `{"callLocator":{},"callbackUri":"http://a/"}`, "callLocator.serverCallId", "required"},
		{"/callConnections:connect", `{"callLocator":{"kind":"groupCallLocator","serverCallId":"S"},"callbackUri":"http://a/"}`, "callLocator.groupCallId", "required"},
		{"/callConnections:connect", `{"callLocator":{"kind":"roomCallLocator"},"callbackUri":"http://a/"}`, "callLocator.roomId", "required"},
		{"/callConnections:connect", `{"callLocator":{"kind":"teamsCallLocator"},"callbackUri":"http://a/"}`, "callLocator.kind", "roomCallLocator"},
		{"/callConnections:connect", `{"callLocator":{"serverCallId":"S"}}`, "callbackUri", "required"},

		{"/callConnections:redirect", `{"target":` + who + `}`, "incomingCallContext", "required"},
		{"/callConnections:redirect", `{"incomingCallContext":"X"}`, "target", "required"},
		{"/callConnections:redirect", `{"incomingCallContext":"X","target":{}}`, "target", "names nobody"},
		{"/callConnections:redirect", `{"incomingCallContext":"X","targets":[{}]}`, "targets[0]", "names nobody"},

		{conn + ":transferToParticipant", `{}`, "targetParticipant", "required"},
		{conn + ":transferToParticipant", `{"targetParticipant":` + who + `,"transferee":{}}`, "transferee", "names nobody"},
		{conn + ":transferToParticipant", `{"targetParticipant":` + who + `,"sourceCallerIdNumber":{}}`, "sourceCallerIdNumber", "empty"},
		{conn + ":transferToParticipant", `{"targetParticipant":` + who + `,"operationCallbackUri":"x"}`, "operationCallbackUri", "http or https"},
		{conn + ":transferToParticipant", `{"targetParticipant":` + who + `,"customCallingContext":{"sipHeaders":{"User-To-User":"a\r\nVia: b"}}}`, `customCallingContext.sipHeaders["User-To-User"]`, "control"},

		{conn + "/participants:add", `{}`, "participantToAdd", "required"},
		{conn + "/participants:add", add(`"invitationTimeoutInSeconds":181`), "invitationTimeoutInSeconds", "0 to 180"},
		{conn + "/participants:add", add(`"invitationTimeoutInSeconds":-1`), "invitationTimeoutInSeconds", "0 to 180"},
		{conn + "/participants:add", add(`"invitationTimeoutInSeconds":"30"`), "invitationTimeoutInSeconds", "integer is needed"},
		{conn + "/participants:add", add(`"sourceDisplayName":"a\nb"`), "sourceDisplayName", "control"},
		{conn + "/participants:add", add(`"sourceCallerIdNumber":{"value":""}`), "sourceCallerIdNumber", "empty"},
		{conn + "/participants:add", add(`"operationCallbackUri":"x"`), "operationCallbackUri", "http or https"},
		{conn + "/participants:cancelAddParticipant", `{}`, "invitationId", "required"},
		{conn + "/participants:cancelAddParticipant", `{"invitationId":"i","operationCallbackUri":"x"}`, "operationCallbackUri", "http or https"},
		{conn + "/participants:remove", `{}`, "participantToRemove", "required"},
		{conn + "/participants:remove", `{"participantToRemove":` + who + `,"operationCallbackUri":"x"}`, "operationCallbackUri", "http or https"},
		{conn + "/participants:mute", `{}`, "targetParticipants", "required"},
		{conn + "/participants:mute", `{"targetParticipants":[` + who + `,{}]}`, "targetParticipants[1]", "names nobody"},
		{conn + "/participants:unmute", `{"targetParticipants":[]}`, "targetParticipants", "required"},
		{conn + "/participants:moveHere", `{"fromCall":"c"}`, "targetParticipants", "required"},
		{conn + "/participants:moveHere", `{"targetParticipants":[` + who + `]}`, "fromCall", "required"},
		{conn + "/participants:moveHere", `{"targetParticipants":[` + who + `],"fromCall":"c","operationCallbackUri":"x"}`, "operationCallbackUri", "http or https"},

		{conn + ":sendDtmfTones", `{"targetParticipant":` + who + `}`, "tones", "required"},
		{conn + ":sendDtmfTones", `{"tones":["one"]}`, "targetParticipant", "required"},
		{conn + ":sendDtmfTones", `{"tones":["one","ten"],"targetParticipant":` + who + `}`, "tones[1]", "pound, asterisk"},
		{conn + ":sendDtmfTones", `{"tones":["` + strings.Repeat(`one","`, 18) + `one"],"targetParticipant":` + who + `}`, "tones", "allowed: 18"},
		{conn + ":sendDtmfTones", `{"tones":["one"],"targetParticipant":` + who + `,"operationCallbackUri":"x"}`, "operationCallbackUri", "http or https"},
		{conn + ":hold", `{}`, "targetParticipant", "required"},
		{conn + ":hold", `{"targetParticipant":` + who + `,"playSourceInfo":{"kind":"file"}}`, "playSourceInfo.file.uri", "required"},
		{conn + ":hold", `{"targetParticipant":` + who + `,"operationCallbackUri":"x"}`, "operationCallbackUri", "http or https"},
		{conn + ":unhold", `{}`, "targetParticipant", "required"},

		{conn + ":recognize", choices(``), "recognizeOptions.choices", "required"},
		{conn + ":recognize", choices(`{"phrases":["a"],"tone":"one"}`), "recognizeOptions.choices[0].label", "required"},
		{conn + ":recognize", choices(`{"label":"a"}`), "recognizeOptions.choices[0]", "neither phrases nor a tone"},
		{conn + ":recognize", choices(`{"label":"a","tone":"uno"}`), "recognizeOptions.choices[0].tone", "pound, asterisk"},
		{conn + ":recognize", choices(`{"label":"a","tone":"one"},{"label":"b","tone":"ONE"}`), "recognizeOptions.choices[1].tone", "two choices"},
		{conn + ":recognize", choices(`{"label":"a","tone":"one"},{"label":"a","tone":"two"}`), "recognizeOptions.choices[1].label", "two choices"},
		{"/callConnections:reject", `{"incomingCallContext":"X","callRejectReason":"tired"}`, "callRejectReason", "none, busy, forbidden"},

		{conn + ":recognize", `{}`, "recognizeInputType", "required"},
		{conn + ":recognize", `{"recognizeInputType":"gesture"}`, "recognizeInputType", "dtmf, speech, speechOrDtmf, choices"},
		{conn + ":recognize", `{"recognizeInputType":"dtmf"}`, "recognizeOptions", "required"},
		{conn + ":recognize", recognize(`{}`), "recognizeOptions.targetParticipant", "required"},
		{conn + ":recognize", recognize(`{"targetParticipant":{"kind":"phoneNumber"}}`), "recognizeOptions.targetParticipant", "names nobody"},
		{conn + ":recognize", recognize(`{"targetParticipant":` + who + `}`), "recognizeOptions.dtmfOptions", "required"},
		{conn + ":recognize", recognize(`{"targetParticipant":` + who + `,"initialSilenceTimeoutInSeconds":301}`), "recognizeOptions.initialSilenceTimeoutInSeconds", "0 to 300"},
		{conn + ":recognize", recognize(`{"targetParticipant":` + who + `,"initialSilenceTimeoutInSeconds":-1}`), "recognizeOptions.initialSilenceTimeoutInSeconds", "0 to 300"},
		{conn + ":recognize", dtmf(`{}`), "recognizeOptions.dtmfOptions.maxTonesToCollect", "required"},
		{conn + ":recognize", dtmf(`{"maxTonesToCollect":0}`), "recognizeOptions.dtmfOptions.maxTonesToCollect", "at least 1"},
		{conn + ":recognize", dtmf(`{"maxTonesToCollect":1.5}`), "recognizeOptions.dtmfOptions.maxTonesToCollect", "integer is needed"},
		{conn + ":recognize", dtmf(`{"maxTonesToCollect":1,"interToneTimeoutInSeconds":0}`), "recognizeOptions.dtmfOptions.interToneTimeoutInSeconds", "1 to 60"},
		{conn + ":recognize", dtmf(`{"maxTonesToCollect":1,"interToneTimeoutInSeconds":61}`), "recognizeOptions.dtmfOptions.interToneTimeoutInSeconds", "1 to 60"},
		{conn + ":recognize", dtmf(`{"maxTonesToCollect":1,"stopTones":["pound","hash"]}`), "recognizeOptions.dtmfOptions.stopTones[1]", "pound, asterisk"},
		{conn + ":recognize", dtmf(`{"maxTonesToCollect":1,"stopTones":[""]}`), "recognizeOptions.dtmfOptions.stopTones[0]", "pound, asterisk"},
		{conn + ":recognize", `{"recognizeInputType":"dtmf","playPrompt":{"kind":"file"}}`, "playPrompt.file.uri", "required"},

		{conn + ":startContinuousDtmfRecognition", `{}`, "targetParticipant", "required"},
		{conn + ":stopContinuousDtmfRecognition", `{"targetParticipant":{"communicationUser":{"id":""}}}`, "targetParticipant", "empty"},
		{conn + ":startMediaStreaming", `{"operationCallbackUri":"x"}`, "operationCallbackUri", "http or https"},

		{"/recordings", `{}`, "callLocator", "required"},
		{"/recordings", `{"callLocator":{}}`, "callLocator.serverCallId", "required"},
		{"/recordings", `{"callLocator":{"kind":"phone"}}`, "callLocator.kind", "serverCallLocator"},
		{"/recordings", record(`"recordingStateCallbackUri":"x"`), "recordingStateCallbackUri", "http or https"},
		{"/recordings", record(`"recordingContentType":"smell"`), "recordingContentType", "audio, audioVideo"},
		{"/recordings", record(`"recordingChannelType":"stereo"`), "recordingChannelType", "mixed, unmixed"},
		{"/recordings", record(`"recordingFormatType":"ogg"`), "recordingFormatType", "wav, mp3, mp4"},
		{"/recordings", record(`"recordingFormatType":"mp3","recordingChannelType":"unmixed"`), "recordingFormatType", "wav"},
		{"/recordings", record(`"externalStorage":{}`), "externalStorage.recordingStorageKind", "required"},
		{"/recordings", record(`"externalStorage":{"recordingStorageKind":"tape"}`), "externalStorage.recordingStorageKind", "azureBlobStorage"},
		{"/recordings", record(`"channelAffinity":[{"participant":` + who + `}]`), "channelAffinity[0].channel", "required"},
		{"/recordings", record(`"channelAffinity":[{"channel":5,"participant":` + who + `}]`), "channelAffinity[0].channel", "0 to 4"},
		{"/recordings", record(`"channelAffinity":[{"channel":1}]`), "channelAffinity[0].participant", "required"},
		{"/recordings", record(`"channelAffinity":[{"channel":1,"participant":` + who + `},{"channel":2,"participant":` + who + `}]`), "channelAffinity[1]", "twice"},
		{"/recordings", record(`"audioChannelParticipantOrdering":[{}]`), "audioChannelParticipantOrdering[0]", "names nobody"},
	} {
		s := newServer()
		w := s.post(c.path, c.body)
		if w.Code != http.StatusBadRequest {
			t.Errorf("%s %.200s: status %d: %s", c.path, c.body, w.Code, w.Body)
			continue
		}
		e := problem(t, w)
		if e.Code != "8523" || e.Target != c.field || !strings.HasPrefix(e.Message, c.field+": ") || !strings.Contains(e.Message, c.says) {
			t.Errorf("%s %.200s\n got %s %q (%s)\nwant 8523 that names %q and says %q", c.path, c.body, e.Code, e.Message, e.Target, c.field, c.says)
		}
		if len(s.calls.asked) > 0 {
			t.Errorf("%s %.200s was carried out", c.path, c.body)
		}
	}
}

// The table from what a call says to what HTTP and Azure make of it.
func TestEveryCodeHasItsStatus(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		code   string
	}{
		{call.Errorf(call.NotFound, "no such call"), 404, "8522"},
		{&call.Error{Code: call.Invalid, Field: "playTo", Message: "nobody"}, 400, "8523"},
		{call.Errorf(call.WrongState, "not established"), 400, "8501"},
		{call.Errorf(call.NotNow, "streaming already"), 400, "8585"},
		{call.Errorf(call.NotPausable, "paused already"), 400, "8573"},
		{call.Errorf(call.Duplicate, "in the call already"), 400, "8559"},
		{call.Errorf(call.Absent, "not in the call"), 400, "8558"},
		{call.Errorf(call.NotGroup, "one only"), 400, "8548"},
		{call.Errorf(call.Conflict, "answered"), 409, "8519"},
		{call.Errorf(call.Incompatible, "playing"), 412, "8583"},
		{call.Errorf(call.Unsupported, "no voice"), 405, "8520"},
		{call.Errorf(call.Gone, "ended"), 400, "8528"},
		{call.Errorf(call.Busy, "too much"), 429, "TooManyRequests"},
		{call.Errorf(call.Draining, "no more"), 503, "ServiceUnavailable"},
		{call.Errorf(call.Internal, "broke"), 500, "9999"},
		{call.Errorf(call.Code(200), "what is that"), 500, "9999"},
		{fmt.Errorf("wrapped: %w", call.Errorf(call.Conflict, "answered")), 409, "8519"},
		{errors.New("secret of the house"), 500, "9999"},
	} {
		s := newServer()
		s.calls.err = c.err
		w := s.post(conn+":cancelAllMediaOperations", "")
		e := problem(t, w)
		if w.Code != c.status || e.Code != c.code {
			t.Errorf("%v: %d %s, want %d %s", c.err, w.Code, e.Code, c.status, c.code)
		}
		if strings.Contains(e.Message, "secret") {
			t.Errorf("a foreign error was told: %s", e.Message)
		}
		if (w.Header().Get("Retry-After") != "") != (c.status == 429 || c.status == 503) {
			t.Errorf("%d has Retry-After %q", c.status, w.Header().Get("Retry-After"))
		}
		if w.Header().Get("X-Microsoft-Skype-Chain-ID") != "corr-1" {
			t.Errorf("%d lacks the chain id", c.status)
		}
	}
	const recording, transfer = `{"callConnectionId":"conn-1"}`, `{"targetParticipant":` + who + `}`
	for _, c := range []struct {
		path, body string
		err        error
		status     int
		code       string
	}{
		{"/recordings", recording, call.Errorf(call.Duplicate, "recording already"), 409, "8553"},
		{"/recordings", recording, call.Errorf(call.Conflict, "another is at it"), 409, "8571"},
		{"/recordings", recording, call.Errorf(call.NotFound, "no such call"), 404, "8522"},
		{"/recordings/r:pause", "", call.Errorf(call.NotPausable, "paused already"), 400, "8573"},
		{conn + ":transferToParticipant", transfer, call.Errorf(call.Conflict, "being transferred"), 409, "8607"},
		{conn + ":transferToParticipant", transfer, call.Errorf(call.Absent, "not in the call"), 400, "8558"},
	} {
		s := newServer()
		s.calls.err = c.err
		if w := s.post(c.path, c.body); w.Code != c.status || problem(t, w).Code != c.code {
			t.Errorf("%s: %v: %d %s, want %d %s", c.path, c.err, w.Code, w.Body, c.status, c.code)
		}
	}
	s := newServer()
	for _, path := range []string{"/callConnections/other:play", "/callConnections/:terminate", "/callConnections/a%2Fb:terminate"} {
		if w := s.post(path, `{"playSources":[{"kind":"file","file":{"uri":"http://a/"}}]}`); w.Code != 404 || problem(t, w).Code != "8522" {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestWhatIsNotOfferedSaysSo(t *testing.T) {
	s := newServer()
	for _, path := range []string{conn + ":startTranscription", conn + ":stopTranscription", conn + ":updateTranscription", conn + ":summarizeCall"} {
		w := s.post(path, `{}`)
		if e := problem(t, w); w.Code != 405 || e.Code != "8520" || !strings.Contains(e.Message, "not offered") || !strings.Contains(e.Message, "speech engine") {
			t.Errorf("%s: %d %+v", path, w.Code, e)
		}
	}
	const phrases = `{"recognizeInputType":"choices","recognizeOptions":{"targetParticipant":` + who + `,"choices":[{"label":"yes","phrases":["yes"]}]}}`
	for path, bodies := range map[string][]string{
		conn + ":recognize":       {phrases, `{"recognizeInputType":"speech"}`, `{"recognizeInputType":"speechOrDtmf"}`},
		"/callConnections:answer": {`{"incomingCallContext":"X","callbackUri":"http://a/","transcriptionOptions":{"startTranscription":true}}`},
		"/callConnections": {
			`{"targets":[` + who + `],"callbackUri":"http://a/","transcriptionOptions":{"startTranscription":true}}`,
			`{"targets":[` + who + `],"callbackUri":"http://a/","teamsAppSource":{"appId":"a"}}`,
		},
		"/callConnections:connect": {`{"callLocator":{"serverCallId":"S"},"callbackUri":"http://a/","transcriptionOptions":{"startTranscription":true}}`},
		conn + "/participants:add": {`{"participantToAdd":` + who + `,"customCallingContext":{"teamsPhoneCallDetails":{}}}`},
		"/recordings": {
			`{"callLocator":{"kind":"groupCallLocator","groupCallId":"g"}}`, `{"callLocator":{"kind":"roomCallLocator","roomId":"r"}}`,
			`{"callConnectionId":"c","recordingContentType":"audioVideo"}`, `{"callConnectionId":"c","recordingFormatType":"mp4"}`,
			`{"callConnectionId":"c","externalStorage":{"recordingStorageKind":"azureBlobStorage","recordingDestinationContainerUrl":"https://acc.blob.core.windows.net/c"}}`,
		},
	} {
		for _, body := range bodies {
			w := s.post(path, body)
			if e := problem(t, w); w.Code != 405 || e.Code != "8520" || !strings.Contains(e.Message, "not offered") || e.Target == "" {
				t.Errorf("%s %s: %d %+v", path, body, w.Code, e)
			}
		}
	}
	if len(s.calls.asked) > 0 {
		t.Errorf("asked %v", s.calls.asked)
	}
}

func TestPathsAndMethodsThatDoNotExist(t *testing.T) {
	s := newServer()
	for _, c := range []struct {
		method, path string
		status       []int
	}{
		{"POST", "/calling/" + "nothing", []int{404}},
		{"POST", "/calling" + conn + ":dance", []int{404, 405}},
		{"PUT", "/calling" + conn, []int{405}},
		{"GET", "/calling/recordings", []int{405}},
		{"POST", "/calling" + conn + "/dialogs/x", []int{404}},
		{"GET", "/elsewhere", []int{404}},
	} {
		w := s.do(signed(c.method, c.path, ""))
		if !slices.Contains(c.status, w.Code) || problem(t, w).Message == "" {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
		}
	}
	for path, status := range map[string]int{"/v1/objects/doc-1": 405, "/v1/objects/doc-1/what": 404} {
		if w := s.do(signed("GET", path, "")); w.Code != status || w.Body.Len() > 0 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestALargeBodyIsRefusedWhole(t *testing.T) {
	s := newServer()
	for size, status := range map[int]int{1 << 20: 400, 1<<20 + 1: 413} {
		w := s.post(conn+":play", strings.Repeat(" ", size))
		if w.Code != status {
			t.Errorf("%d bytes: %d", size, w.Code)
		}
		if e := problem(t, w); status == 413 && !strings.Contains(e.Message, "1 MiB") {
			t.Errorf("%+v", e)
		}
	}
	if w := s.do(signed("DELETE", "/v1/objects/doc-1", strings.Repeat(" ", 1<<20+1))); w.Code != 413 || w.Body.Len() > 0 {
		t.Errorf("object: %d", w.Code)
	}
}

func TestAPanicEndsOneRequestOnly(t *testing.T) {
	s := newServer()
	s.calls.hook = func() { panic("oh") }
	if w := s.post(conn+":terminate", ""); w.Code != 500 || problem(t, w).Code != "9999" || strings.Contains(w.Body.String(), "oh") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	s.calls.hook = nil
	if w := s.post(conn+":terminate", ""); w.Code != 204 {
		t.Errorf("and then: %d", w.Code)
	}
	if n := s.set.Counter("api_refused_total", "reason", "panic", "").Value(); n != 1 {
		t.Errorf("%d panics counted", n)
	}
}

// TestBehindAnotherRouter: the server puts its own pages in front.
func TestBehindAnotherRouter(t *testing.T) {
	s := newServer()
	outer := chi.NewRouter()
	outer.Get("/healthz", func(http.ResponseWriter, *http.Request) {})
	outer.NotFound(s.ServeHTTP)
	outer.MethodNotAllowed(s.ServeHTTP)
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/calling" + conn, 200},
		{"GET", "/calling" + conn + "/participants/4%3A%2B14255550123", 200},
		{"POST", "/calling" + conn + ":cancelAllMediaOperations", 202},
		{"PUT", "/calling" + conn, 405},
		{"GET", "/v1/objects/doc-1/content/acsmetadata", 200},
		{"POST", "/healthz", 404},
	} {
		w := httptest.NewRecorder()
		outer.ServeHTTP(w, signed(c.method, c.path, ""))
		if w.Code != c.status {
			t.Errorf("%s %s: %d %s, want %d", c.method, c.path, w.Code, w.Body, c.status)
		}
	}
}
