package prompt_test

import (
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/tipring/tipring/internal/prompt"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/mediatest"
)

func TestEveryFormatIsHeard(t *testing.T) {
	stereo := make([]int16, 2*22050)
	for i, v := range tone(44100, 440, 22050) {
		stereo[2*i], stereo[2*i+1] = v, v
	}
	files := map[string][]byte{
		"8 kHz WAV":           wavOf(8000, 1, tone(8000, 440, 4000)),
		"44.1 kHz stereo WAV": wavOf(44100, 2, stereo),
	}
	for _, name := range []string{"tone-16000-mono.mp3", "tone-44100-stereo.mp3", "tone-16000-mono.flac", "tone-22050-stereo-24.flac"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = b
	}
	for name, b := range files {
		t.Run(name, func(t *testing.T) {
			l := library(t, &prompt.Library{})
			p := fetch(t, l, serve(t, bytesOf(b)).URL+"/what.txt", "")
			all(t, l, p)
			for _, rate := range []media.Rate{media.Rate8k, media.Rate16k} {
				heard, err := play(t, p.Source(), rate, 100)
				if err != io.EOF {
					t.Fatalf("ended with %v", err)
				}
				if hz := heard.Frequency(); math.Abs(hz-440) > 1 {
					t.Errorf("at %d Hz: 440 Hz became %.2f", rate, hz)
				}
				length := heard.LastSound(100) - heard.FirstSound(100)
				if off := math.Abs(float64(length)/float64(rate) - 0.5); off > 0.06 { // an MP3 has its frames' length
					t.Errorf("at %d Hz: it is %d samples long, want half a second", rate, length)
				}
			}
		})
	}
}

func TestItsOwnRateIsExact(t *testing.T) {
	pcm := tone(8000, 440, 5003)
	l := library(t, &prompt.Library{})
	p := fetch(t, l, serve(t, bytesOf(wavOf(8000, 1, pcm))).URL, "")
	all(t, l, p)
	heard, err := play(t, p.Source(), media.Rate8k, 100)
	if err != io.EOF || len(heard.PCM) != len(pcm) {
		t.Fatalf("%d samples, %v; want %d", len(heard.PCM), err, len(pcm))
	}
	looped, err := play(t, p.Looped(), media.Rate8k, 100)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range looped.PCM {
		if v != pcm[i%len(pcm)] {
			t.Fatalf("sample %d of the loop is %d, want %d", i, v, pcm[i%len(pcm)])
		}
	}
}

func TestALoopHasNoSeam(t *testing.T) {
	for _, rate := range []int{12000, 11025, 24000, 44100, 48000} {
		pcm := tone(rate, 441, rate/3*2) // 294 whole periods
		l := library(t, &prompt.Library{})
		p := fetch(t, l, serve(t, bytesOf(wavOf(rate, 1, pcm))).URL, "")
		all(t, l, p)
		for _, to := range []media.Rate{media.Rate8k, media.Rate16k} {
			heard, err := play(t, p.Looped(), to, 200)
			if err != nil {
				t.Fatal(err)
			}
			if jumps := heard.PhaseJumps(441); len(jumps) > 0 || len(heard.PCM) != 4*int(to) {
				t.Errorf("%d to %d Hz: %d samples, jumps %v", rate, to, len(heard.PCM), jumps)
			}
		}
	}
}

func TestItPlaysWhileItLoads(t *testing.T) {
	pcm := tone(8000, 440, 8000)
	file := wavOf(8000, 1, pcm)
	begin, more := make(chan struct{}), make(chan struct{})
	l := library(t, &prompt.Library{})
	p := fetch(t, l, serve(t, func(w http.ResponseWriter, r *http.Request) {
		for _, part := range []struct {
			when chan struct{}
			what []byte
		}{{begin, file[:44+2*1000]}, {more, file[44+2*1000:]}} {
			select {
			case <-part.when:
			case <-r.Context().Done(): // the test has failed
				return
			}
			w.Write(part.what)
			w.(http.Flusher).Flush()
		}
	}).URL, "")
	early := p.Source() // before anything is known of it
	if n, err := early.Read(&media.Frame{Rate: media.Rate8k}); n != 0 || err != nil {
		t.Errorf("before the header: %d, %v; want silence", n, err)
	}
	close(begin)
	ready(t, p)
	var first mediatest.Sound
	for len(first.PCM) < 1000 {
		heard, err := play(t, early, media.Rate8k, 1)
		if err != nil {
			t.Fatal(err)
		}
		first.PCM = append(first.PCM, heard.PCM...)
	}
	if heard, err := play(t, early, media.Rate8k, 50); len(heard.PCM) != 0 || err != nil {
		t.Errorf("while the server says nothing: %d samples, %v; want silence", len(heard.PCM), err)
	}
	close(more)
	l.Wait()
	rest, err := play(t, early, media.Rate8k, 100)
	if got := append(first.PCM, rest.PCM...); err != io.EOF || len(got) != len(pcm) {
		t.Fatalf("in all %d samples, %v; want %d", len(got), err, len(pcm))
	} else {
		for i := range got {
			if got[i] != pcm[i] {
				t.Fatalf("sample %d is %d, want %d", i, got[i], pcm[i])
			}
		}
	}
}

func TestVoicesAreSources(t *testing.T) {
	for _, rate := range []int{8000, 44100} {
		l := library(t, &prompt.Library{})
		p := fetch(t, l, serve(t, bytesOf(wavOf(rate, 1, tone(rate, 440, rate)))).URL, "")
		all(t, l, p)
		mediatest.TestSource(t, p.Source)
		mediatest.TestSource(t, p.Looped)
	}
}
