package recording

import (
	"encoding/json"
	"fmt"
	"time"
)

// Break lets every further write to the file fail, as a full disk does.
func (r *Recording) Break() { r.file.Close() }

// Behind is how many ticks were heard and are not in the file.
func (r *Recording) Behind() int {
	at := r.rec.Report()
	return int(r.rec.Now()) - int(at.Stop)
}

// Disk is what the writing hears of the disk.
func (r *Recording) Disk() error { return r.synced() }

// WriteManifest writes it as it is now.
func (r *Recording) WriteManifest(lasting bool) error { return r.store.write(r.describe(), lasting) }

// Hang makes the disk take its time until release.
func (s *Store) Hang() (release func()) {
	s.once.Do(func() { s.slot = make(chan struct{}, slots) })
	for range slots {
		s.slot <- struct{}{}
	}
	return func() {
		for range slots {
			<-s.slot
		}
	}
}

// CheckManifest reads a manifest; of one that is taken, everything must be told.
func CheckManifest(text []byte) (taken bool, err error) {
	m, err := parse(text)
	if err != nil {
		return false, err
	}
	m.close(time.Now())
	r := m.result(1 << 40)
	if r.Duration < 0 {
		return true, fmt.Errorf("it plays %v", r.Duration)
	}
	if _, err := json.Marshal(m.page(Chunk{Started: r.Started, Duration: r.Duration})); err != nil {
		return true, err
	}
	_, err = json.Marshal(m)
	return true, err
}
