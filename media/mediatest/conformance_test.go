package mediatest_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/mediatest"
)

// defects are sources that break one rule each, with a word of the complaint.
var defects = map[string]struct {
	complaint string
	source    func() media.Source
}{
	"too many": {"n = ", each(func(f *media.Frame, _ int) (int, error) { return len(f.PCM()) + 1, nil })},
	"samples with an error": {"want 0 (give", each(func(f *media.Frame, _ int) (int, error) {
		clear(f.PCM())
		return 5, errors.New("broken")
	})},
	"error for ever": {"after the end", each(func(*media.Frame, int) (int, error) { return 0, errors.New("broken") })},
	"rises again": {"after the end", each(func(f *media.Frame, k int) (int, error) {
		f.Silence()
		if k == 2 {
			return 0, io.EOF
		}
		return len(f.PCM()), nil
	})},
	"own rate": {"changed Rate", each(func(f *media.Frame, _ int) (int, error) {
		f.Rate = media.Rate16k
		f.Silence()
		return 320, nil
	})},
	"beyond the frame": {"wrote sample", each(func(f *media.Frame, _ int) (int, error) {
		clear(f.PCM()[:len(f.PCM())+1])
		return len(f.PCM()), nil
	})},
	"leaves holes": {"must write all n", each(func(f *media.Frame, _ int) (int, error) { return len(f.PCM()), nil })},
	"leaves Lost": {"leaves Lost", each(func(f *media.Frame, _ int) (int, error) {
		clear(f.PCM())
		return len(f.PCM()), nil
	})},
	"retains": {"not retain", func() media.Source {
		var kept *media.Frame
		return media.SourceFunc(func(f *media.Frame) (int, error) {
			f.Lost = false
			last := int16(0)
			if kept != nil {
				last = kept.PCM()[1]
			}
			clear(f.PCM())
			f.PCM()[0], kept = last, f
			return len(f.PCM()), nil
		})
	}},
	"allocates": {"allocations", each(func(f *media.Frame, _ int) (int, error) {
		f.Lost = false
		waste = make([]int16, len(f.PCM()))
		return copy(f.PCM(), waste), nil
	})},
}

var waste []int16

// each makes a source of a function of the frame and of how many came before.
func each(read func(f *media.Frame, k int) (int, error)) func() media.Source {
	return func() media.Source {
		k := -1
		return media.SourceFunc(func(f *media.Frame) (int, error) {
			k++
			return read(f, k)
		})
	}
}

// TestSourceComplains runs itself for each defect in a process of its own,
// where a failure is what we want to see.
func TestSourceComplains(t *testing.T) {
	if name := os.Getenv("MEDIATEST_DEFECT"); name != "" {
		mediatest.TestSource(t, defects[name].source)
		return
	}
	for name, d := range defects {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSourceComplains$")
			cmd.Env = append(os.Environ(), "MEDIATEST_DEFECT="+name)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), d.complaint) {
				t.Errorf("TestSource said nothing of %q:\n%s", d.complaint, out)
			}
		})
	}
}
