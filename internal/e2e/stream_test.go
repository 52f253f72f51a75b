package e2e_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// streaming is the mediaStreamingOptions of an answer, with more.
func streaming(url string, more map[string]any) map[string]any {
	options := map[string]any{"transportUrl": url, "transportType": "websocket", "contentType": "audio", "audioChannelType": "unmixed", "startMediaStreaming": true}
	for k, v := range more {
		options[k] = v
	}
	return map[string]any{"mediaStreamingOptions": options}
}

// A listener is a tipring listen.
type listener struct {
	*process
	url, dir string
}

func startListener(t *testing.T, flags ...string) *listener {
	t.Helper()
	addr := freeAddr(t)
	l := &listener{url: "ws://" + addr + "/sound", dir: t.TempDir()}
	args := append([]string{"listen", "--addr=" + addr, "--out=" + l.dir}, flags...)
	l.process = start(t, "tipring listen", exec.Command(built(t, raceFlag), args...), nil)
	l.awaitPrinted(t, 10*time.Second, "ws://"+addr)
	return l
}

var summaryLine = regexp.MustCompile(`(?m)^(\S+): (\S+): (\S+), (\d+) frames, (\d+) gaps, at most (\d+) ms late: (.+)$`)

// took waits for the end of a call's stream number n and gives its only voice:
// whose it is and what was heard, of which nothing may be missing.
func (l *listener) took(t *testing.T, call string, n int) (who string, s sound) {
	t.Helper()
	var found [][]string
	eventually(t, 5*time.Second, "the summary of a stream", func() bool {
		found = slices.DeleteFunc(summaryLine.FindAllStringSubmatch(l.printed(), -1), func(m []string) bool { return m[1] != call })
		return len(found) > n
	})
	m := found[n]
	frames, _ := strconv.Atoi(m[4])
	s = readSound(t, m[7])
	if m[5] != "0" || s.length() != time.Duration(frames)*tick {
		t.Errorf("a stream of %d frames has %s gaps and %v of sound", frames, m[5], s.length())
	}
	return m[2], s
}

// update waits for the next event of media streaming and wants it to say so.
func (w *world) update(t *testing.T, kind, context, details string) {
	t.Helper()
	e := w.app.await(t, kind, 10*time.Second, nil)
	if e.text("operationContext") != context || e.text("mediaStreamingUpdate.mediaStreamingStatusDetails") != details || e.text("mediaStreamingUpdate.contentType") != "Audio" {
		t.Errorf("%s says %v", kind, e.data)
	}
}

// TestStreaming has tipring listen take in what a caller says: begun with the
// call over HTTPS, by command over HTTP.
func TestStreaming(t *testing.T) {
	for _, transport := range []string{"https", "http"} {
		t.Run(transport, func(t *testing.T) {
			w := startWorldWith(t, built(t, raceFlag), transport == "http")
			l := startListener(t)
			_, call, spoke := w.converse(t, sayings(440, 620, 0, 880), streaming(l.url, map[string]any{"startMediaStreaming": transport == "https"}))
			begun := ""
			if transport == "http" {
				begun = "begin"
				w.must(t, "media", call, "startMediaStreaming", map[string]any{"operationContext": begun})
			}
			w.update(t, "MediaStreamingStarted", begun, "subscriptionStarted")
			until(spoke, 3750*time.Millisecond)
			w.must(t, "media", call, "stopMediaStreaming", map[string]any{"operationContext": "enough"})
			w.update(t, "MediaStreamingStopped", "enough", "subscriptionStopped")
			l.awaitPrinted(t, 5*time.Second, call+": 16000 Hz, 640 bytes a frame")
			who, said := l.took(t, call, 0)
			if who != "4:"+caller {
				t.Errorf("the stream is of %s", who)
			}
			tones := checkTones(t, "the stream", said, 440, 620)
			if apart := tones[1].start - tones[0].start; (apart - time.Second).Abs() > 3*tick { // the jitter buffer may stretch and shorten silence
				t.Errorf("tones a second apart were streamed %v apart", apart)
			}

			w.must(t, "media", call, "startMediaStreaming", map[string]any{"operationContext": "again"})
			w.update(t, "MediaStreamingStarted", "again", "subscriptionStarted")
			until(spoke, 5750*time.Millisecond)
			w.must(t, "connection", call, "hangUp", true)
			w.app.await(t, "CallDisconnected", 5*time.Second, of(call))
			w.update(t, "MediaStreamingStopped", "again", "subscriptionStopped")
			checkOrder(t, w.app, call)
			_, said = l.took(t, call, 1)
			checkTones(t, "the second stream", said, 880)
			l.signal(t, syscall.SIGTERM)
			if code := l.exit(t, 5*time.Second); code != 0 {
				t.Errorf("tipring listen ended with status %d", code)
			}
		})
	}
}

// A streamed is a frame as the SDK's parser gives it.
type streamed struct {
	Kind, Message            string
	Encoding, SubscriptionID string
	SampleRate, Channels     int
	Timestamp                time.Time
	Data                     string
	IsSilent                 bool
	Participant              *struct{ Kind, PhoneNumber string }
	Binary                   bool
}

// frames are those of the app's only stream.
func (w *world) frames(t *testing.T) []streamed {
	t.Helper()
	var result struct{ Frames []streamed }
	if err := json.Unmarshal(w.must(t, "stream", "0", "frames"), &result); err != nil {
		t.Fatal(err)
	}
	return result.Frames
}

// TestStreamingToTheSDK has Microsoft's parser read every frame: metadata
// first, then the sound without a gap, and digits.
func TestStreamingToTheSDK(t *testing.T) {
	for _, c := range []struct {
		transport, channel, format string
		rate                       int
	}{{"https", "unmixed", "Pcm16KMono", 16000}, {"http", "mixed", "Pcm24KMono", 24000}} {
		t.Run(c.channel, func(t *testing.T) {
			w := startWorldWith(t, built(t, raceFlag), c.transport == "http")
			url := strings.Replace(w.url, "http:", "ws:", 1) + "/stream?of=this"
			p, call, spoke := w.converse(t, sayings(440), streaming(url, map[string]any{
				"audioChannelType": c.channel, "audioFormat": c.format, "enableDtmfTones": true}))
			opened := w.app.await(t, "StreamOpened", 5*time.Second, nil)
			if opened.text("headers.x-ms-call-connection-id") != call || opened.text("headers.x-ms-call-correlation-id") == "" || opened.text("path") != "/stream?of=this" {
				t.Errorf("the handshake was %v", opened.data)
			}
			until(spoke, 2600*time.Millisecond)
			p.press(t, "5*")
			until(spoke, 3600*time.Millisecond)
			w.must(t, "connection", call, "hangUp", true)
			if e := w.app.await(t, "StreamClosed", 5*time.Second, nil); e.text("code") != "1000" {
				t.Errorf("the stream was closed with %s", e.text("code"))
			}
			all := w.frames(t)
			m := all[0]
			if m.Kind != "AudioMetadata" || m.SampleRate != c.rate || m.Channels != 1 || m.Encoding != "PCM" || m.SubscriptionID == "" {
				t.Fatalf("the first frame is %+v", m)
			}
			said, digits := joined(t, all[1:], c.rate, c.channel == "mixed")
			if digits != "5*" {
				t.Errorf("the digits were %q", digits)
			}
			if said.length() < 2*time.Second {
				t.Fatalf("the stream has %v of sound", said.length())
			}
			checkTones(t, "the stream", said.between(0, 3*time.Second), 440)
		})
	}
}

// joined is the sound of AudioData frames, of one caller or mixed, and the
// digits between them. Every frame must be whole and in its place.
func joined(t *testing.T, frames []streamed, rate int, mixed bool) (s sound, digits string) {
	t.Helper()
	s.rate = rate
	var next time.Time
	for i, f := range frames {
		if f.Binary {
			t.Errorf("frame %d is binary", i)
		}
		if f.Kind == "DtmfData" {
			digits += f.Data
			continue
		}
		if f.Kind != "AudioData" {
			t.Fatalf("frame %d is %s %s", i, f.Kind, f.Message)
		}
		if mixed != (f.Participant == nil) || !mixed && f.Participant.PhoneNumber != caller {
			t.Fatalf("frame %d is of %+v", i, f.Participant)
		}
		if !next.IsZero() && !f.Timestamp.Equal(next) {
			t.Fatalf("frame %d is of %v, want %v", i, f.Timestamp, next)
		}
		next = f.Timestamp.Add(tick)
		b, err := base64.StdEncoding.DecodeString(f.Data)
		if err != nil || len(b) != 2*rate/50 {
			t.Fatalf("frame %d has %d bytes (%v)", i, len(b), err)
		}
		piece := sound{rate: rate}
		for len(b) > 0 {
			piece.pcm = append(piece.pcm, int16(binary.LittleEndian.Uint16(b)))
			b = b[2:]
		}
		if loud := len(piece.bursts()) > 0; loud && f.IsSilent {
			t.Errorf("frame %d is silent, it says", i)
		}
		s = s.then(piece)
	}
	return s, digits
}

// bytes is a sound as streams carry it.
func (s sound) bytes() string {
	b := make([]byte, 0, 2*len(s.pcm))
	for _, v := range s.pcm {
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	return base64.StdEncoding.EncodeToString(b)
}

// TestStreamingBack: what comes over the websocket is heard by the phone; a
// long answer ends at once when the app says so, and the next begins.
func TestStreamingBack(t *testing.T) {
	for name, spelling := range map[string]string{
		"JavaScript": "", "dotNET": `{"Kind":"AudioData","AudioData":{"Data":"%s","Timestamp":"2026-11-22T09:00:00+00:00","Participant":null,"IsSilent":false},"StopAudio":null}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := startWorld(t)
			url := strings.Replace(w.url, "http:", "ws:", 1) + "/"
			p, call, _ := w.converse(t, silence(8000, time.Second), streaming(url, map[string]any{"enableBidirectional": true}))
			w.update(t, "MediaStreamingStarted", "", "subscriptionStarted")
			say := func(s sound) {
				if spelling == "" {
					w.must(t, "stream", "0", "say", s.bytes())
				} else {
					w.must(t, "stream", "0", "send", fmt.Sprintf(spelling, s.bytes()))
				}
			}
			say(tone(16000, 440, 20*time.Second))
			began := time.Now()
			until(began, time.Second)
			if spelling == "" {
				w.must(t, "stream", "0", "stopAudio")
			} else {
				w.must(t, "stream", "0", "send", `{"Kind":"StopAudio","AudioData":null,"StopAudio":{}}`)
			}
			spoken := time.Since(began)
			until(began, spoken+500*time.Millisecond)
			say(tone(16000, 620, 500*time.Millisecond))
			w.must(t, "stream", "0", "send", "no JSON at all")
			until(began, spoken+1500*time.Millisecond)
			w.must(t, "connection", call, "hangUp", true)
			p.await(t, "CALL_CLOSED", 5*time.Second)
			w.app.await(t, "CallDisconnected", 5*time.Second, of(call))
			said, _ := joined(t, w.frames(t)[1:], 16000, false)
			if b := said.bursts(); len(b) > 0 {
				t.Errorf("the caller said nothing, and was streamed as %v", b)
			}
			heard := p.heard(t)
			all := heard.bursts()
			if len(all) != 2 {
				t.Fatalf("heard %v, want an answer that was cut short, and one that was not", all)
			}
			if cut := all[0].length(); cut < spoken/4 || cut > spoken+150*time.Millisecond {
				t.Errorf("an answer that was stopped after %v was heard for %v", spoken, cut)
			}
			if hz := heard.between(all[0].start+tick, all[0].end-tick).pitch(); math.Abs(hz-440) > 1 {
				t.Errorf("440 Hz was heard at %.1f Hz", hz)
			}
			checkTones(t, "the second answer", heard.between(all[0].end+tick, heard.length()), 620)
		})
	}
}

// TestStreamingEcho: tipring listen --echo lets a caller hear itself.
func TestStreamingEcho(t *testing.T) {
	w := startWorld(t)
	l := startListener(t, "--echo")
	p, call, spoke := w.converse(t, sayings(440, 620), streaming(l.url, map[string]any{"enableBidirectional": true}))
	w.update(t, "MediaStreamingStarted", "", "subscriptionStarted")
	until(spoke, 4*time.Second)
	w.must(t, "connection", call, "hangUp", true)
	p.await(t, "CALL_CLOSED", 5*time.Second)
	w.app.await(t, "CallDisconnected", 5*time.Second, of(call))
	said := checkTones(t, "the echo", p.heard(t), 440, 620)
	if apart := said[1].start - said[0].start; (apart - time.Second).Abs() > 3*tick {
		t.Errorf("tones a second apart came back %v apart", apart)
	}
}

// TestStreamingFails: a websocket that is not there, and one that breaks, are
// told of, and the call goes on.
func TestStreamingFails(t *testing.T) {
	w := startWorld(t)
	app := strings.Replace(w.url, "http:", "ws:", 1)
	p := startPhone(t, caller, silence(8000, time.Second))
	p.dial(t, called, w.sip)
	incoming := w.app.await(t, "IncomingCall", 10*time.Second, nil)
	for _, url := range []string{w.url, "wss:/nowhere", "ftp://127.0.0.1/", "127.0.0.1:9000"} {
		_, err := w.do(t, "client", "", "answerCall", incoming.text("incomingCallContext"), w.callback(), streaming(url, nil))
		if err == nil || err.StatusCode != 400 || !strings.Contains(err.Message, "transportUrl") {
			t.Errorf("transportUrl %s: %v, want 400 and the field's name", url, err)
		}
	}
	call := w.accept(t, incoming, "talk")
	w.refused(t, 400, "8523", "media", call, "startMediaStreaming")
	w.refused(t, 400, "8585", "media", call, "stopMediaStreaming")
	p.hangUp(t)
	w.app.await(t, "CallDisconnected", 5*time.Second, of(call))

	_, call, _ = w.converse(t, silence(8000, time.Second), streaming("ws://"+freeAddr(t)+"/", nil))
	e := w.app.await(t, "MediaStreamingFailed", 10*time.Second, nil)
	if e.text("resultInformation.code") != "400" || e.text("resultInformation.subCode") != "8581" || e.text("mediaStreamingUpdate.mediaStreamingStatusDetails") != "initialWebSocketConnectionFailed" {
		t.Errorf("MediaStreamingFailed says %v", e.data)
	}
	w.must(t, "connection", call, "hangUp", true)
	w.app.await(t, "CallDisconnected", 5*time.Second, of(call))

	_, call, _ = w.converse(t, silence(8000, time.Second), streaming(app, map[string]any{"enableBidirectional": true}))
	w.app.await(t, "MediaStreamingStarted", 5*time.Second, of(call))
	w.refused(t, 400, "8585", "media", call, "startMediaStreaming")
	w.must(t, "stream", "0", "break")
	e = w.app.await(t, "MediaStreamingFailed", 10*time.Second, of(call))
	if e.text("resultInformation.code") != "500" || e.text("resultInformation.subCode") != "8603" {
		t.Errorf("MediaStreamingFailed says %v", e.data)
	}
	w.must(t, "media", call, "playToAll", []any{w.prompt(t, "a.wav", tone(8000, 440, 200*time.Millisecond))}, map[string]any{"operationContext": "after"})
	w.app.await(t, "PlayCompleted", 5*time.Second, inContext("after"))
	w.must(t, "media", call, "startMediaStreaming", map[string]any{"operationContext": "anew"})
	w.update(t, "MediaStreamingStarted", "anew", "subscriptionStarted")
}
