package load

import (
	"testing"

	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/codec"
)

// TestSpeechHoldsNoDigit and the keys do, one each: else the load would measure
// its own faults.
func TestSpeechHoldsNoDigit(t *testing.T) {
	s := newScript(0)
	if got := detected(append(s.speech, s.speech...)); got != "" {
		t.Errorf("in the speech: %q", got)
	}
	for symbol, packets := range s.presses {
		if got := detected(packets); got != string(symbol) {
			t.Errorf("key %c sounds as %q", symbol, got)
		}
	}
}

func TestTheAnnouncementHasNoPauseAndNoDigit(t *testing.T) {
	packets := payloads(announcement(3))
	for i, p := range packets {
		if mute(p) {
			t.Errorf("packet %d is silent", i)
		}
	}
	if got := detected(packets); got != "" {
		t.Errorf("digits %q", got)
	}
}

func detected(packets [][]byte) (digits string) {
	pcmu, _ := codec.ByName("PCMU")
	decoder := pcmu.NewDecoder()
	var ear dtmf.Detector
	f := media.Frame{Rate: media.Rate8k}
	for i, p := range packets {
		f.Tick = uint64(i)
		_, _ = decoder.Decode(f.PCM(), p)
		_ = ear.Write(&f)
		for d, ok := ear.Next(); ok; d, ok = ear.Next() {
			digits += string(d.Symbol)
		}
	}
	return digits
}
