package prompt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"sync"
	"time"

	"github.com/tipring/tipring/internal/metric"
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
	MaxBytes    int64         // of a file; 0 means 64 MiB. Its decoded sound may have four times as many
	MaxDuration time.Duration // of its sound, and of its download; 0 means 30 minutes
	Timeout     time.Duration // how long a server may say nothing; 0 means 10 s
	CacheTTL    time.Duration // how long a prompt with a cache id is kept; 0 means 1 h
	CacheBytes  int64         // of decoded sound that is kept; 0 means 256 MiB
	Decoders    int           // files decoded at the same moment; 0 means a quarter of the processors
	Counters    *metric.Set

	mu      sync.Mutex
	prompts map[key]*Prompt // on their way, or kept
	kept    []*Prompt       // oldest first
	bytes   int64           // of those kept
	closed  bool
	slots   chan struct{}
	loading sync.WaitGroup
}

// A key is what makes two prompts the same.
type key struct{ id, uri string }

// Fetch begins to download and decode the file at an http or https address, in
// a goroutine of its own, or joins whoever does so already. ctx is how long the
// caller wants the prompt, such as the life of a play: a download that nobody
// wants any more is given up. With a cacheID, a prompt that was fetched under
// that id from that address is used again for CacheTTL; the address's query
// does not count, for that is where signatures are.
func (l *Library) Fetch(ctx context.Context, uri, cacheID string) (*Prompt, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%w: not an http or https address", ErrUnreachable)
	}
	k := key{uri: uri}
	if cacheID != "" {
		bare := *u
		bare.RawQuery, bare.Fragment = "", ""
		k = key{id: cacheID, uri: bare.String()}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, fmt.Errorf("%w: the library is closed", ErrUnreachable)
	}
	l.expire()
	p := l.prompts[k]
	if p == nil {
		p = l.begin(ctx, k, uri)
	}
	if !p.done {
		p.wanted++
		p.forget = append(p.forget, context.AfterFunc(ctx, func() { l.release(p) }))
	}
	return p, nil
}

// begin starts a download. The caller holds the lock.
func (l *Library) begin(ctx context.Context, k key, uri string) *Prompt {
	ctx, abandon := context.WithCancelCause(context.WithoutCancel(ctx))
	p := &Prompt{key: k, ready: make(chan struct{}), abandon: abandon}
	if l.prompts == nil {
		l.prompts = map[key]*Prompt{}
	}
	l.prompts[k] = p
	l.loading.Go(func() { l.load(ctx, p, uri) })
	return p
}

// release notes that one of those who wanted p has gone.
func (l *Library) release(p *Prompt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.wanted--; p.wanted > 0 || p.done {
		return
	}
	l.drop(p)
	p.abandon(errUnwanted)
}

// finish notes that a download has ended: well (nil) or not.
func (l *Library) finish(p *Prompt, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, forget := range p.forget {
		forget()
	}
	p.done, p.forget = true, nil
	if err != nil || p.key.id == "" || l.prompts[p.key] != p {
		l.drop(p)
		return
	}
	p.expires = time.Now().Add(orElse(l.CacheTTL, time.Hour)).UnixNano()
	l.kept = append(l.kept, p)
	l.bytes += p.size()
	l.expire()
}

// expire lets go of prompts that are too old, and of the oldest while too much
// is kept. The caller holds the lock.
func (l *Library) expire() {
	now, most := time.Now().UnixNano(), orElse(l.CacheBytes, 256<<20)
	for len(l.kept) > 0 && (l.kept[0].expires <= now || l.bytes > most) {
		p := l.kept[0]
		l.kept[0] = nil
		l.kept = l.kept[1:]
		l.bytes -= p.size()
		l.drop(p)
	}
}

// drop makes sure that p is not found any more. The caller holds the lock.
func (l *Library) drop(p *Prompt) {
	if l.prompts[p.key] == p {
		delete(l.prompts, p.key)
	}
}

// size is how much memory p's sound takes, in bytes.
func (p *Prompt) size() int64 {
	const chunkBytes = 2 * chunkSamples
	return (p.sound.length.Load()/chunkSamples + 1) * chunkBytes
}

// Close gives up all downloads and returns when their goroutines are gone.
func (l *Library) Close() {
	l.mu.Lock()
	l.closed = true
	for _, p := range l.prompts {
		if !p.done {
			p.abandon(errors.New("the library was closed"))
		}
	}
	l.prompts, l.kept, l.bytes = nil, nil, 0
	l.mu.Unlock()
	l.loading.Wait()
}

// places are where downloads are decoded; a semaphore.
func (l *Library) places() chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.slots == nil {
		l.slots = make(chan struct{}, orElse(l.Decoders, max(1, runtime.GOMAXPROCS(0)/4)))
	}
	return l.slots
}

func (l *Library) client() Client {
	if l.Client == nil {
		return http.DefaultClient
	}
	return l.Client
}

func (l *Library) maxBytes() int64 { return orElse(l.MaxBytes, 64<<20) }

func (l *Library) maxDuration() time.Duration { return orElse(l.MaxDuration, 30*time.Minute) }

// orElse is v, or what stands in for its zero.
func orElse[T cmp.Ordered](v, usual T) T {
	var zero T
	if v == zero {
		return usual
	}
	return v
}
