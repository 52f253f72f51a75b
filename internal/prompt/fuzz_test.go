package prompt_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/tipring/tipring/internal/prompt"
)

// FuzzDecode feeds files of any content to the decoders. Whatever they do, it
// ends, in sound or in one of the package's errors.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil || len(files) == 0 {
		f.Fatal("no testdata", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[:min(len(b), 3000)])
	}
	f.Add(wavOf(8000, 2, make([]int16, 100)))
	f.Add([]byte("ID3\x04\x00\x00\x7f\x7f\x7f\x7f"))
	f.Add([]byte("\xff\xfb\x90\x00"))
	f.Fuzz(func(t *testing.T, file []byte) {
		samples, err := prompt.Decode(bytes.NewReader(file))
		if err != nil && !errors.Is(err, prompt.ErrFormat) && !prompt.TooLong(err) {
			t.Errorf("after %d samples: %v", samples, err)
		}
		if err == nil && samples == 0 {
			t.Error("no sound and no error")
		}
	})
}
