package recording_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tipring/tipring/internal/recording"
	"github.com/tipring/tipring/media"
)

// TestAPauseLeavesASignOfLife: of a pause nothing is written, and yet a crash
// does not lose its length.
func TestAPauseLeavesASignOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := begin(t, three)
		tp.hear(10, []media.Sink{tp.Tap("4:+1")}, 1)
		tp.Pause()
		<-time.After(time.Hour)
		synctest.Wait()
		stat, err := os.Stat(filepath.Join(tp.store.Dir, "rec-0.wav.part"))
		if err != nil {
			t.Fatal(err)
		}
		if behind := time.Since(stat.ModTime()); behind < 0 || behind > 6*time.Second {
			t.Errorf("the last sign of life is %v old", behind)
		}
		tp.stop()
	})
}

// TestTheManifestKeepsUp: who comes is in it, and what was resumed.
func TestTheManifestKeepsUp(t *testing.T) {
	left, _ := crashed(t, three, 10, func(tp *tape) {
		tp.Tap("4:+3")
		tp.Tap("4:+4") // beyond the last channel
		tp.Pause()
		<-time.After(time.Second)
		tp.Resume()
	})
	r := repair(t, lay(t, left))[0]
	if n := len(r.Participants); n != 4 || r.Participants[2] != (recording.Participant{ID: "4:+3", Channel: 2}) || r.Participants[3].Channel != -1 {
		t.Errorf("participants %+v", r.Participants)
	}
	if len(r.Pauses) != 1 || r.Pauses[0].Duration != time.Second {
		t.Errorf("pauses %+v", r.Pauses)
	}
}

// TestADiskThatTakesItsTime: what is brought to the disk may take long; what is
// heard meanwhile is in the file all the same.
func TestADiskThatTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := begin(t, recording.Options{ID: "rec", MaxChannels: 1})
		tap := tp.Tap("a")
		release := tp.store.Hang()
		tp.hear(1000, []media.Sink{tap}, 5)
		if stat, err := os.Stat(filepath.Join(tp.store.Dir, "rec-0.wav.part")); err != nil || stat.Size() < 970*640 {
			t.Errorf("%v, %v: want the sound of 20 s", stat, err)
		}
		release()
		if result := tp.stop(); result.Dropped != 0 || result.Samples != 1000*320 || result.Err != nil {
			t.Errorf("%+v", result)
		}
	})
}

// TestTheDiskIsAskedEveryFiveSeconds: and what it says ends the recording.
func TestTheDiskIsAskedEveryFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := begin(t, recording.Options{ID: "rec", MaxChannels: 1})
		tp.hear(100, []media.Sink{tp.Tap("a")}, 5)
		if err := tp.Disk(); err != nil {
			t.Error(err)
		}
		<-time.After(time.Second) // nothing is left to be written
		synctest.Wait()
		tp.Break()
		<-time.After(6 * time.Second)
		synctest.Wait()
		if err := tp.Disk(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("of a disk that fails, the writing hears %v", err)
		}
		tp.stop()
	})
}
