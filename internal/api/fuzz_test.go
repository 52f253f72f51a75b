package api_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/tipring/tipring/internal/acs"
)

// FuzzBodies gives any bytes to every operation that reads JSON: the answer is
// a success or an error that names what is wrong, never a failure of ours.
func FuzzBodies(f *testing.F) {
	paths := []string{
		"/callConnections:answer", "/callConnections:reject", conn + ":play", conn + ":recognize",
		conn + ":startContinuousDtmfRecognition", conn + ":startMediaStreaming", "/recordings",
		"/callConnections", "/callConnections:connect", "/callConnections:redirect", conn + ":transferToParticipant",
		conn + "/participants:add", conn + "/participants:cancelAddParticipant", conn + "/participants:remove",
		conn + "/participants:mute", conn + "/participants:moveHere", conn + ":sendDtmfTones", conn + ":hold", conn + ":unhold",
	}
	for i, body := range []string{
		`{"incomingCallContext":"X","callbackUri":"http://a/","answeredBy":{"id":"8:acs:bot"},"mediaStreamingOptions":{"transportType":"websocket","audioChannelType":"unmixed","transportUrl":"wss://a/ws","audioFormat":"Pcm24KMono"}}`,
		`{"incomingCallContext":"X","callRejectReason":"busy"}`,
		`{"playSources":[{"kind":"file","file":{"uri":"http://a/a.wav"}},{"kind":"text","text":{"text":"t"}}],"playTo":[` + who + `],"playOptions":{"loop":true}}`,
		`{"recognizeInputType":"dtmf","playPrompt":{"kind":"ssml","ssml":{"ssmlText":"<speak/>"}},"recognizeOptions":{"targetParticipant":` + who + `,"dtmfOptions":{"maxTonesToCollect":4,"stopTones":["pound"]}}}`,
		`{"targetParticipant":` + who + `,"operationContext":"c"}`,
		`{"operationCallbackUri":"http://a/"}`,
		`{"callLocator":{"serverCallId":"S","kind":"serverCallLocator"},"recordingChannelType":"unmixed","channelAffinity":[{"channel":0,"participant":` + who + `}],"audioChannelParticipantOrdering":[` + who + `]}`,
		`{"targets":[` + who + `],"callbackUri":"http://a/","sourceCallerIdNumber":{"value":"+1"},"source":{"id":"8:acs:b"},"customCallingContext":{"voipHeaders":{"k":"v"}}}`,
		`{"callLocator":{"roomId":"R","kind":"roomCallLocator"},"callbackUri":"http://a/"}`,
		`{"incomingCallContext":"X","target":` + who + `,"targets":[{"rawId":"8:acs:a"}]}`,
		`{"targetParticipant":` + who + `,"transferee":{"rawId":"8:acs:a"},"customCallingContext":{"sipHeaders":{"User-To-User":"u","X-MS-Custom-k":"v"}}}`,
		`{"participantToAdd":` + who + `,"invitationTimeoutInSeconds":30,"sourceDisplayName":"n"}`,
		`{"invitationId":"i"}`,
		`{"participantToRemove":` + who + `}`,
		`{"targetParticipants":[` + who + `]}`,
		`{"targetParticipants":[` + who + `],"fromCall":"c"}`,
		`{"tones":["one","pound"],"targetParticipant":` + who + `}`,
		`{"targetParticipant":` + who + `,"playSourceInfo":{"kind":"file","file":{"uri":"http://a/"}}}`,
	} {
		f.Add(byte(i), []byte(body))
	}
	s := newServer()
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		path := paths[int(which)%len(paths)]
		s.calls.asked = nil
		w := s.post(path, string(body))
		if w.Code < 300 {
			return
		}
		var e acs.ErrorBody
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Error.Message == "" {
			t.Fatalf("%s %q: %d %s", path, body, w.Code, w.Body)
		}
		if w.Code != http.StatusBadRequest && w.Code != http.StatusMethodNotAllowed || e.Error.Target == "" {
			t.Fatalf("%s %q: %d %+v", path, body, w.Code, e)
		}
	})
}

// FuzzAuthorization gives any header to the check of signatures.
func FuzzAuthorization(f *testing.F) {
	f.Add("HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
	f.Add("Bearer x")
	s := newServer()
	f.Fuzz(func(t *testing.T, header string) {
		w := s.do(signed("GET", "/calling/callConnections/conn-1", "", func(r *http.Request) { r.Header["Authorization"] = []string{header} }))
		if w.Code != http.StatusUnauthorized {
			t.Fatalf("%q: %d", header, w.Code)
		}
	})
}
