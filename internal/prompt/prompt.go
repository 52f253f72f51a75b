package prompt

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/media"
)

// Why a prompt cannot be played: errors of this package wrap one of these.
var (
	// ErrUnreachable: it could not be downloaded, or not all of it: no
	// connection, another status than 200, too slow, too large.
	ErrUnreachable = errors.New("prompt: it could not be downloaded")
	// ErrFormat: it is not audio that can be read.
	ErrFormat = errors.New("prompt: it is not audio we can read")
)

// A Client does HTTP requests: an *http.Client that knows where it may go.
type Client interface {
	Do(*http.Request) (*http.Response, error)
}

// A Library fetches prompts. Its zero value works, with the limits below and no
// guard on where it goes.
type Library struct {
	Client      Client        // nil means http.DefaultClient
	MaxBytes    int64         // of a file; 0 means 64 MiB
	MaxDuration time.Duration // of its sound; 0 means 30 minutes
	Timeout     time.Duration // how long a server may say nothing; 0 means 10 s
	CacheTTL    time.Duration // how long a prompt with a cache id is kept; 0 means 1 h
	CacheBytes  int64         // of decoded sound that is kept; 0 means 256 MiB
	Decoders    int           // files decoded at the same moment; 0 means a quarter of the processors
	Counters    *metric.Set
}

// Fetch begins to download and decode the file at an http or https address, in
// a goroutine of its own, or joins whoever does so already. ctx is how long the
// caller wants the prompt: a download that nobody wants any more is given up.
// With a cacheID, a prompt fetched under that id and address (without its
// query, where signatures are) is used again for CacheTTL.
func (l *Library) Fetch(ctx context.Context, uri, cacheID string) (*Prompt, error) {
	return nil, errors.New("soon")
}

// Close gives up all downloads and returns when their goroutines are gone.
func (l *Library) Close() {}

// A Prompt is a file that is being downloaded, or is there.
type Prompt struct{}

// Ready waits until the first sound is there (nil), the prompt has failed (the
// error) or ctx is done.
func (p *Prompt) Ready(ctx context.Context) error { return errors.New("soon") }

// Source plays it once, from its beginning. It may be called many times: each
// play has a place of its own in the same sound.
func (p *Prompt) Source() media.Source { return nil }

// Looped plays it again and again without a seam, until it is unplugged.
func (p *Prompt) Looped() media.Source { return nil }
