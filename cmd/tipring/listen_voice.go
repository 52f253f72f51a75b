package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/wav"
	"github.com/tipring/tipring/stream"
)

// longestGap is the longest gap that is filled with silence in a file.
const longestGap = 10 * time.Second

// A voice is one participant of a stream, and the file of what it says.
type voice struct {
	participant string
	rate        media.Rate
	file        *os.File
	wav         *wav.Writer

	frames, gaps int
	samples      int64         // written to the file
	next         time.Time     // when the next frame should begin
	soonest      time.Duration // the least that arrival was behind the timestamp
	late, worst  time.Duration // beyond that: since the last look, and ever

	power float64 // sum of squares since the last look …
	heard int     // … over so many samples
	whole int64   // samples when the file was last made whole
}

// newVoice begins a file named after the stream and the participant. It never
// writes over another.
func newVoice(dir, name, participant string, rate media.Rate) (*voice, error) {
	who := participant
	if who == "" {
		who = "mixed"
	}
	base := plain(name) + "-" + plain(who)
	for n := 1; ; n++ {
		path := filepath.Join(dir, base+".wav")
		if n > 1 {
			path = filepath.Join(dir, fmt.Sprintf("%s-%d.wav", base, n))
		}
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("begin a file: %w", err)
		}
		w, err := wav.NewWriter(f, wav.Format{Rate: int(rate), Channels: 1})
		if err != nil {
			f.Close() // nothing is in it
			return nil, fmt.Errorf("begin a file: %w", err)
		}
		return &voice{participant: who, rate: rate, file: f, wav: w}, nil
	}
}

// plain is a name that every file system takes.
func plain(name string) string {
	name = strings.Map(func(c rune) rune {
		if c > ' ' && c < 0x7f && !strings.ContainsRune(`/\:*?"<>|`, c) {
			return c
		}
		return '_'
	}, name)
	return strings.TrimLeft(name[:min(len(name), 100)], ".")
}

// hear writes one frame, and silence for what is missing before it.
func (v *voice) hear(a stream.Audio, arrived time.Time) error {
	if !a.Time.IsZero() {
		if err := v.clock(a.Time, arrived); err != nil {
			return err
		}
	}
	v.frames++
	for _, s := range a.PCM {
		v.power += float64(s) * float64(s)
	}
	v.heard += len(a.PCM)
	v.next = a.Time.Add(time.Duration(len(a.PCM)) * time.Second / time.Duration(v.rate))
	if err := v.write(a.PCM); err != nil {
		return err
	}
	if v.samples-v.whole >= int64(v.rate) {
		v.whole = v.samples
		return v.wav.Flush()
	}
	return nil
}

// clock judges a frame's timestamp.
func (v *voice) clock(at, arrived time.Time) error {
	behind := arrived.Sub(at)
	if v.frames == 0 || behind < v.soonest {
		v.soonest = behind
	}
	v.late = max(v.late, behind-v.soonest)
	v.worst = max(v.worst, v.late)
	if v.frames == 0 {
		return nil
	}
	gap := at.Sub(v.next)
	if gap < media.Period/2 {
		return nil
	}
	v.gaps++
	if gap > longestGap {
		return nil
	}
	return v.write(make([]int16, int(gap.Seconds()*float64(v.rate)+0.5)))
}

func (v *voice) write(pcm []int16) error {
	v.samples += int64(len(pcm))
	if err := v.wav.WriteSamples(pcm); err != nil {
		return fmt.Errorf("write %s: %w", v.file.Name(), err)
	}
	return nil
}

func (v *voice) close() error {
	err := v.wav.Close()
	if e := v.file.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("close %s: %w", v.file.Name(), err)
	}
	return nil
}

// look is the voice since the last look, in one line.
func (v *voice) look() string {
	line := fmt.Sprintf("%-24s %s  %6d frames  %d gaps  late %d ms", v.participant, v.level(), v.frames, v.gaps, v.late.Milliseconds())
	v.power, v.heard, v.late = 0, 0, 0
	return line
}

// level is the level since the last look: 0 dBFS is a sine of full scale.
func (v *voice) level() string {
	if v.power == 0 {
		return " -inf dBFS"
	}
	return fmt.Sprintf("%5.1f dBFS", 10*math.Log10(2*v.power/float64(v.heard)/(math.MaxInt16*math.MaxInt16)))
}

// summary is the whole voice, in one line.
func (v *voice) summary() string {
	length := time.Duration(v.samples) * time.Second / time.Duration(v.rate)
	return fmt.Sprintf("%s: %v, %d frames, %d gaps, at most %d ms late: %s",
		v.participant, length.Round(time.Millisecond), v.frames, v.gaps, v.worst.Milliseconds(), v.file.Name())
}
