package stream_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/stream"
)

func TestDecodeEverySpelling(t *testing.T) {
	sound := []int16{1, -2}
	for name, c := range map[string]struct {
		text string
		want stream.Message
	}{
		"JavaScript audio, with a stopAudio": {
			`{"kind":"audioData","audioData":{"data":"AQD+/w==","isSilent":false},"stopAudio":{}}`,
			stream.Audio{PCM: sound}},
		"JavaScript stop": {`{"kind":"stopAudio","stopAudio":{}}`, stream.StopAudio{}},
		".NET audio": {
			`{"Kind":"AudioData","AudioData":{"Data":"AQD+/w==","Timestamp":"2026-11-22T09:00:00.04+00:00","Participant":null,"IsSilent":true},"StopAudio":null}`,
			stream.Audio{PCM: sound, Silent: true, Time: time.Date(2026, 11, 22, 9, 0, 0, 40_000_000, time.UTC)}},
		".NET stop":             {`{"Kind":"StopAudio","AudioData":null,"StopAudio":{}}`, stream.StopAudio{}},
		"older samples":         {`{"kind":"AudioData","audioData":{"data":"AQD+/w=="}}`, stream.Audio{PCM: sound}},
		"half a sample at last": {`{"kind":"AudioData","audioData":{"data":"AQD+/wc="}}`, stream.Audio{PCM: sound}},
		"no sound at all":       {`{"kind":"AudioData","audioData":{"data":""}}`, stream.Audio{PCM: []int16{}}},
		"odd fields": {
			`{"kind":"AudioData","audioData":{"data":"AQD+/w==","timestamp":17,"participantRawID":null,"silent":"True","more":[]},"more":{}}`,
			stream.Audio{PCM: sound, Silent: true}},
		"our own": {
			`{"kind":"AudioData","audioData":{"timestamp":"2026-11-22T09:00:00.040Z","participantRawID":"4:+15550100","data":"AQD+/w==","silent":false}}`,
			stream.Audio{PCM: sound, Participant: "4:+15550100", Time: time.Date(2026, 11, 22, 9, 0, 0, 40_000_000, time.UTC)}},
		"metadata": {
			`{"kind":"AudioMetadata","audioMetadata":{"subscriptionId":"s","encoding":"PCM","sampleRate":16000,"channels":1,"length":640}}`,
			stream.Metadata{Subscription: "s", Rate: media.Rate16k, Length: 640}},
		"a digit": {`{"kind":"DtmfData","dtmfData":{"data":"3"}}`, stream.Digit{Symbol: '3'}},
		"words": {
			`{"kind":"TranscriptionData","transcriptionData":{"text":"hello","format":"display","confidence":0.5,"offset":10000000,"duration":20000000,"words":[{"text":"hello","offset":1,"duration":2}],"participantRawID":"8:acs:alice","resultStatus":"Final"}}`,
			stream.Transcription{Participant: "8:acs:alice", Text: "hello", Confidence: 0.5, Final: true, Offset: time.Second, Duration: 2 * time.Second}},
		"words to come": {
			`{"kind":"TranscriptionMetadata","transcriptionMetadata":{"subscriptionId":"s","locale":"en-US","callConnectionId":"c","correlationId":"x"}}`,
			stream.TranscriptionMetadata{Subscription: "s", Locale: "en-US", Connection: "c", Correlation: "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := stream.Decode([]byte(c.text))
			if a, ok := got.(stream.Audio); ok {
				a.Time = a.Time.UTC()
				got = a
			}
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %#v, %v\nwant %#v", got, err, c.want)
			}
		})
	}
}

func TestDecodeRefusesNonsense(t *testing.T) {
	for _, text := range []string{
		"", "null", "[]", "{", "17", `"AudioData"`, `{}`, `{"kind":"Mark"}`, `{"kind":7}`,
		`{"kind":"AudioData"}`, `{"kind":"AudioData","audioData":null}`,
		`{"kind":"AudioData","audioData":{"data":"AQD+/w"}}`, `{"kind":"AudioData","audioData":{"data":"no base64!"}}`,
		`{"kind":"AudioData","audioData":{"data":[1,2]}}`,
		`{"kind":"DtmfData","dtmfData":{"data":"33"}}`, `{"kind":"DtmfData"}`,
		`{"kind":"AudioMetadata","audioMetadata":{"sampleRate":-1}}`, `{"kind":"AudioMetadata","audioMetadata":{"sampleRate":1e300}}`,
		strings.Repeat(`{"kind":`, 20000),
	} {
		if m, err := stream.Decode([]byte(text)); !errors.Is(err, stream.ErrMalformed) {
			t.Errorf("%.60s: got %v, %v; want ErrMalformed", text, m, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"kind":"audioData","audioData":{"data":"AQD+/w==","isSilent":false},"stopAudio":{}}`))
	f.Add([]byte(`{"Kind":"AudioData","AudioData":{"Data":"AQD+/w==","Timestamp":"2026-11-22T09:00:00Z","Participant":null},"StopAudio":null}`))
	f.Add([]byte(`{"kind":"AudioMetadata","audioMetadata":{"subscriptionId":"s","sampleRate":16000,"length":640}}`))
	f.Add([]byte(`{"kind":"TranscriptionData","transcriptionData":{"text":"t","offset":1e300,"duration":-1}}`))
	f.Add([]byte(`{"kind":"DtmfData","dtmfData":{"data":5}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := stream.Decode(text)
		if err != nil {
			if m != nil || !errors.Is(err, stream.ErrMalformed) {
				t.Fatalf("%v, %v", m, err)
			}
			return
		}
		a, ok := m.(stream.Audio)
		if !ok {
			return
		}
		again, err := stream.Decode(stream.AppendAudio(nil, a))
		if err != nil {
			t.Fatalf("our own frame is refused: %v", err)
		}
		if b := again.(stream.Audio); len(b.PCM) != len(a.PCM) || b.Silent != a.Silent {
			t.Fatalf("%+v became %+v", a, b)
		}
	})
}
