package journal

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// talk hears what the embedded server says. A write error is only said there:
// the server never answers the message that met it.
type talk struct {
	log *slog.Logger

	mu      sync.Mutex
	words   string        // the last error
	passing bool          // of words that do not mean that the store is damaged
	trouble chan struct{} // closed at the first write error
	told    bool
	failed  bool // the server did not start
}

func newTalk(log *slog.Logger) *talk { return &talk{log: log, trouble: make(chan struct{})} }

func (*talk) Noticef(string, ...any) {}
func (*talk) Debugf(string, ...any)  {}
func (*talk) Tracef(string, ...any)  {}

// Warnf hears of damage that was dealt with.
func (t *talk) Warnf(format string, v ...any) {
	words := sentence(format, v)
	level := slog.LevelWarn
	if strings.Contains(words, "state outdated") || strings.Contains(words, "prior state file") {
		level = slog.LevelDebug // so it is after every kill, and nothing is missing
	}
	t.log.Log(context.Background(), level, "journal: the store warns", "words", words)
	t.mu.Lock()
	t.passing = t.passing || isPassing(words)
	t.mu.Unlock()
}

// Errorf hears of what was not.
func (t *talk) Errorf(format string, v ...any) { t.error(format, v) }

// Fatalf hears that the server does not start; it must not end the process.
func (t *talk) Fatalf(format string, v ...any) {
	t.error(format, v)
	t.mu.Lock()
	t.failed = true
	t.mu.Unlock()
}

func (t *talk) error(format string, v []any) {
	words := sentence(format, v)
	t.log.Error("journal: the store fails", "words", words)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.words = words
	t.passing = t.passing || isPassing(words)
	if !t.told && isTrouble(words) {
		t.told = true
		close(t.trouble)
	}
}

func sentence(format string, v []any) string {
	return strings.TrimSpace(fmt.Sprintf(format, v...))
}

// fatal says that the server did not start.
func (t *talk) fatal() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed
}

// passes says that the server met what may pass.
func (t *talk) passes() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.passing
}

// last is the last error, if any.
func (t *talk) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.words
}

// isTrouble: after these words the server takes no more messages.
func isTrouble(words string) bool {
	words = strings.ToLower(words)
	for _, sign := range []string{"write error", "failed to store", "permission denied", "disabl"} {
		if strings.Contains(words, sign) {
			return true
		}
	}
	return isFull(words)
}

// isFull: no room on the disk, in the quota, or in the largest file allowed.
func isFull(words string) bool {
	words = strings.ToLower(words)
	for _, sign := range []string{"no space left", "quota exceeded", "file too large"} {
		if strings.Contains(words, sign) {
			return true
		}
	}
	return false
}

// isPassing: what keeps a store from being opened and is not in the store.
func isPassing(words string) bool {
	words = strings.ToLower(words)
	for _, sign := range []string{
		"too many open files", "permission denied", "not permitted", "not writable",
		"read-only", "cannot allocate memory", "input/output error",
	} {
		if strings.Contains(words, sign) {
			return true
		}
	}
	return false
}
