package stream_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"
	"time"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/stream"
)

// The frames as Azure has them, for encoding/json to write.
type (
	audioMetadata struct {
		Kind string `json:"kind"`
		Meta struct {
			SubscriptionID string `json:"subscriptionId"`
			Encoding       string `json:"encoding"`
			SampleRate     int    `json:"sampleRate"`
			Channels       int    `json:"channels"`
			Length         int    `json:"length"`
		} `json:"audioMetadata"`
	}
	audioData struct {
		Kind string `json:"kind"`
		Data struct {
			Timestamp   string  `json:"timestamp"`
			Participant *string `json:"participantRawID,omitempty"`
			Data        string  `json:"data"`
			Silent      bool    `json:"silent"`
		} `json:"audioData"`
	}
)

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func base64Of(pcm []int16) string {
	var b []byte
	for _, s := range pcm {
		b = binary.LittleEndian.AppendUint16(b, uint16(s))
	}
	return base64.StdEncoding.EncodeToString(b)
}

func ramp(n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(i*2477 - 31000)
	}
	return pcm
}

func TestMetadataIsAzures(t *testing.T) {
	var want audioMetadata
	want.Kind = "AudioMetadata"
	want.Meta.SubscriptionID, want.Meta.Encoding = `a "name"`, "PCM"
	want.Meta.SampleRate, want.Meta.Channels, want.Meta.Length = 24000, 1, 960
	got := stream.AppendMetadata(nil, stream.Metadata{Subscription: `a "name"`, Rate: media.Rate24k, Length: 960})
	if string(got) != asJSON(t, want) {
		t.Errorf("got  %s\nwant %s", got, asJSON(t, want))
	}
}

func TestAudioIsWhatEncodingJSONWrites(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 40_000_000, time.FixedZone("east", 3600))
	for _, who := range []string{"", "4:+15550100", "8:acs:alice", "a\"\\\n\u2028é<&>\x00"} {
		for _, n := range []int{0, 1, 2, 3, 95, 96, 97, 320, 480, 960} {
			pcm := ramp(n)
			var want audioData
			want.Kind = "AudioData"
			want.Data.Timestamp = "2026-11-22T09:00:00.040Z"
			if who != "" {
				want.Data.Participant = &who
			}
			want.Data.Data, want.Data.Silent = base64Of(pcm), n == 3
			got := stream.AppendAudio(nil, stream.Audio{Time: at, Participant: who, PCM: pcm, Silent: n == 3})
			if string(got) != asJSON(t, want) {
				t.Fatalf("%q, %d samples:\ngot  %s\nwant %s", who, n, got, asJSON(t, want))
			}
		}
	}
}

func TestDigitAndReply(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{string(stream.AppendDigit(nil, stream.Digit{Symbol: '#'})), `{"kind":"DtmfData","dtmfData":{"data":"#"}}`},
		{string(stream.AppendReply(nil, []int16{1, -2})), `{"kind":"AudioData","audioData":{"data":"AQD+/w=="}}`},
		{string(stream.AppendStopAudio(nil)), `{"kind":"StopAudio","stopAudio":{}}`},
	} {
		if c.got != c.want {
			t.Errorf("got  %s\nwant %s", c.got, c.want)
		}
	}
}

func TestWritingAudioDoesNotAllocate(t *testing.T) {
	b, a := make([]byte, 0, 2048), stream.Audio{Time: time.Now(), PCM: ramp(320)}
	if n := testing.AllocsPerRun(100, func() { b = stream.AppendAudio(b[:0], a) }); n != 0 {
		t.Errorf("%v allocations a frame, want 0", n)
	}
}

func BenchmarkAppendAudio(b *testing.B) {
	buf, a := make([]byte, 0, 2048), stream.Audio{Time: time.Now(), PCM: ramp(320)}
	b.ReportAllocs()
	for b.Loop() {
		buf = stream.AppendAudio(buf[:0], a)
	}
}
