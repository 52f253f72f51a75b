package recording_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tipring/tipring/internal/recording"
)

// BenchmarkRepair is the restart after a crash with so many recordings running,
// each of 10 s on two channels.
func BenchmarkRepair(b *testing.B) {
	sound := strings.Repeat("\x01\x02\x03\x04", 160000)
	header := "RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x02\x00\x80\x3e\x00\x00\x00\xfa\x00\x00\x04\x00\x10\x00data\x00\x00\x00\x00"
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				s := &recording.Store{Dir: b.TempDir()}
				for i := range n {
					manifest := fmt.Sprintf(`{"version":1,"id":"rec%d","format":"wav","rate":16000,"channels":2,"started":"2026-01-02T03:04:05Z"}`, i)
					for end, text := range map[string]string{".wav.part": header + sound, ".manifest.json": manifest} {
						if err := os.WriteFile(filepath.Join(s.Dir, fmt.Sprintf("rec%d-0%s", i, end)), []byte(text), 0o600); err != nil {
							b.Fatal(err)
						}
					}
				}
				b.StartTimer()
				if results, err := s.Repair(b.Context()); err != nil || len(results) != n {
					b.Fatal(len(results), err)
				}
				b.StopTimer()
				os.RemoveAll(s.Dir)
				b.StartTimer()
			}
		})
	}
}

// BenchmarkManifest is one writing of it, with and without the disk.
func BenchmarkManifest(b *testing.B) {
	for name, lasting := range map[string]bool{"kept": false, "on disk": true} {
		b.Run(name, func(b *testing.B) {
			s := &recording.Store{Dir: b.TempDir()}
			rec, err := s.Start(three)
			if err != nil {
				b.Fatal(err)
			}
			rec.Tap("4:+1")
			rec.Tap("4:+2")
			for b.Loop() {
				if err := rec.WriteManifest(lasting); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSync brings five seconds of sound of two channels to the disk.
func BenchmarkSync(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "sound"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	sound := make([]byte, 5*16000*4)
	for b.Loop() {
		if _, err := f.Write(sound); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
}
