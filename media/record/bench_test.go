package record_test

import (
	"testing"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/record"
)

// BenchmarkSecond is a second of two voices, from the tick into the file.
func BenchmarkSecond(b *testing.B) {
	_, w := create(b)
	r := record.Unmixed(w, 2)
	f := media.Frame{Rate: media.Rate8k}
	b.ReportAllocs()
	for b.Loop() {
		for i := range 50 {
			r.Channel(0).Write(&f)
			r.Channel(1).Write(&f)
			f.Tick++
			if i%25 == 24 {
				if err := r.Drain(); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
}
