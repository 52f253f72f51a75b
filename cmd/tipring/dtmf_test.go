package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/alecthomas/kong"

	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/wav"
)

const allDigits = "0123456789*#ABCD"

// dialled is 100 ms of silence, then digits of 80 ms with pauses of 80 ms.
func dialled(t *testing.T, digits string, rate int) (samples []int16) {
	t.Helper()
	samples = make([]int16, rate/10)
	f := media.Frame{Rate: media.Rate(rate)}
	s := dtmf.Tones(digits, 80*time.Millisecond, 80*time.Millisecond, -10)
	for {
		n, err := s.Read(&f)
		samples = append(samples, f.PCM()[:n]...)
		if errors.Is(err, io.EOF) {
			return samples
		}
	}
}

func wavFile(t *testing.T, samples []int16, rate, channels int) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "digits.wav")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w, err := wav.NewWriter(file, wav.Format{Rate: rate, Channels: channels})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.WriteSamples(samples), w.Close()); err != nil {
		t.Fatal(err)
	}
	return name
}

// wantLines checks "digit start end" lines against where dialled put them,
// within 3 ms.
func wantLines(t *testing.T, out, digits string, rate int) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != len(digits) {
		t.Fatalf("%d lines, want %d:\n%s", len(lines), len(digits), out)
	}
	for i, line := range lines {
		var digit string
		var start, end int
		if n, err := fmt.Sscanf(line, "%s %d %d", &digit, &start, &end); n != 3 || err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		wantStart := rate/10 + i*rate*160/1000
		wantEnd := wantStart + rate*80/1000
		slack := rate * 3 / 1000
		if digit != digits[i:i+1] || max(start-wantStart, wantStart-start) > slack || max(end-wantEnd, wantEnd-end) > slack {
			t.Errorf("line %q, want %c %d %d", line, digits[i], wantStart, wantEnd)
		}
	}
}

func TestDtmfOfWAV(t *testing.T) {
	for _, rate := range []int{8000, 16000, 24000, 48000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			name := wavFile(t, dialled(t, allDigits, rate), rate, 1)
			file, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			var out bytes.Buffer
			if err := (&dtmfCmd{File: name}).find(file, &out); err != nil {
				t.Fatal(err)
			}
			wantLines(t, out.String(), allDigits, rate)
		})
	}
}

// TestDtmfFixture: the keypad of testdata, whose text has the true places.
func TestDtmfFixture(t *testing.T) {
	want, err := os.ReadFile("../../testdata/dtmf/keypad.txt")
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open("../../testdata/dtmf/keypad.wav")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var out bytes.Buffer
	if err := (&dtmfCmd{}).find(file, &out); err != nil {
		t.Fatal(err)
	}
	got, truth := strings.Fields(out.String()), strings.Fields(string(want))
	if len(got) != len(truth) {
		t.Fatalf("got %d fields, want %d:\n%s", len(got), len(truth), out.String())
	}
	for i := range got {
		if i%3 == 0 && got[i] != truth[i] {
			t.Errorf("digit %d: %s, want %s", i/3, got[i], truth[i])
		} else if i%3 > 0 {
			var a, b int
			fmt.Sscan(got[i], &a)
			fmt.Sscan(truth[i], &b)
			if max(a-b, b-a) > 24 {
				t.Errorf("digit %d: at %d, want %d", i/3, a, b)
			}
		}
	}
}

// TestDtmfOfOddWAV: 44.1 kHz in two channels.
func TestDtmfOfOddWAV(t *testing.T) {
	made := dialled(t, allDigits, 48000)
	var samples []int16
	for i := 0; ; i++ { // 44.1 kHz by straight lines between the samples at 48 kHz
		at := float64(i) * 48000 / 44100
		k := int(at)
		if k+1 >= len(made) {
			break
		}
		v := int16(float64(made[k]) + (at-float64(k))*(float64(made[k+1])-float64(made[k])))
		samples = append(samples, v, v)
	}
	name := wavFile(t, samples, 44100, 2)
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var out bytes.Buffer
	if err := (&dtmfCmd{File: name}).find(file, &out); err != nil {
		t.Fatal(err)
	}
	wantLines(t, out.String(), allDigits, 44100)
}

func TestDtmfOfRawSound(t *testing.T) {
	samples := dialled(t, allDigits, 8000)
	raw := new(bytes.Buffer)
	binary.Write(raw, binary.LittleEndian, samples)
	raw.WriteByte(7) // half a sample
	for name, in := range map[string]io.Reader{
		"at once":      bytes.NewReader(raw.Bytes()),
		"byte by byte": iotest.OneByteReader(bytes.NewReader(raw.Bytes())),
		"with its EOF": iotest.DataErrReader(bytes.NewReader(raw.Bytes())),
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := (&dtmfCmd{Raw: true}).find(in, &out); err != nil {
				t.Fatal(err)
			}
			wantLines(t, out.String(), allDigits, 8000)
		})
	}
}

// TestDtmfAtTheEnd: a digit is found that the file ends with, or in.
func TestDtmfAtTheEnd(t *testing.T) {
	samples := dialled(t, "5", 8000)
	for _, ms := range []int{40, 45, 63, 80} {
		raw := new(bytes.Buffer)
		binary.Write(raw, binary.LittleEndian, samples[:(100+ms)*8])
		var out bytes.Buffer
		if err := (&dtmfCmd{Raw: true}).find(raw, &out); err != nil {
			t.Fatal(err)
		}
		var start, end int
		if _, err := fmt.Sscanf(out.String(), "5 %d %d", &start, &end); err != nil || end > (100+ms)*8 || end < (100+ms-4)*8 {
			t.Errorf("a file that ends after %d ms of tone: %q, %v", ms, out.String(), err)
		}
	}
}

func TestDtmfOfNoSound(t *testing.T) {
	var out bytes.Buffer
	if err := (&dtmfCmd{Raw: true}).find(strings.NewReader(""), &out); err != nil || out.Len() > 0 {
		t.Errorf("nothing: %q, %v", out.String(), err)
	}
	err := (&dtmfCmd{File: "x.wav"}).find(strings.NewReader("this is no sound, it is text"), &out)
	if !errors.Is(err, wav.ErrFormat) || !strings.Contains(err.Error(), "x.wav") {
		t.Errorf("text: %v", err)
	}
	broken := errors.New("broken pipe")
	if err := (&dtmfCmd{Raw: true}).find(iotest.ErrReader(broken), &out); !errors.Is(err, broken) {
		t.Errorf("a broken reader: %v", err)
	}
	if err := (&dtmfCmd{File: filepath.Join(t.TempDir(), "none.wav")}).Run(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestDtmfCommandLine(t *testing.T) {
	for _, tt := range []struct {
		args []string
		ok   bool
	}{
		{[]string{"dtmf", "x.wav"}, true},
		{[]string{"dtmf", "--raw"}, true},
		{[]string{"dtmf"}, false},
		{[]string{"dtmf", "--raw", "x.wav"}, false},
		{[]string{"dtmf", "x.wav", "y.wav"}, false},
	} {
		var cli struct {
			Dtmf dtmfCmd `cmd:""`
		}
		parser, err := kong.New(&cli, kong.Exit(func(int) {}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(tt.args); (err == nil) != tt.ok {
			t.Errorf("%q: %v", tt.args, err)
		}
	}
}
