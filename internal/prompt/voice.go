package prompt

import (
	"io"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/resample"
)

// A voice is one play of a prompt. Its source is made when the sound's rate is
// known: at once, or in the first tick after the file's header has come.
type voice struct {
	prompt *Prompt
	loop   bool
	source media.Source
	over   bool
}

func newVoice(p *Prompt, loop bool) media.Source {
	v := &voice{prompt: p, loop: loop}
	v.open()
	return v
}

// open makes the source if it can be made.
func (v *voice) open() bool {
	if v.source != nil {
		return true
	}
	rate := v.prompt.rate.Load()
	if rate == 0 {
		return false
	}
	v.source = resample.NewSource(&place{sound: &v.prompt.sound, loop: v.loop}, int(rate))
	return true
}

// Read gives what has come of the sound, at f's rate.
func (v *voice) Read(f *media.Frame) (int, error) {
	f.Lost = false
	end := v.prompt.sound.ending.Load() // before the rate, which is final once there is an ending
	if v.open() {
		return v.source.Read(f)
	}
	switch {
	case end == nil:
		return 0, nil
	case v.over:
		return 0, io.EOF
	}
	v.over = true
	return 0, end.err
}
