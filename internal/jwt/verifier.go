package jwt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/tipring/tipring/internal/metric"
)

// How often an issuer is asked, and for how much.
const (
	keepKeys    = time.Hour        // then they are fetched again …
	trustKeys   = 24 * time.Hour   // … and if that fails they count for so long
	askAgain    = 30 * time.Second // at the earliest, whatever tokens come;
	tryAgain    = 5 * time.Second  // if it failed
	fetchTime   = 15 * time.Second // for both documents
	largestText = 1 << 20          // bytes of a document
	longest     = 32 << 10         // bytes of a token
)

// A Verifier checks tokens that somebody else has signed. Make it with
// NewVerifier. Its methods may be called by anyone at any time.
type Verifier struct {
	config VerifierConfig
	turn   chan struct{} // held by who asks the issuer

	mu      sync.Mutex
	known   trusted
	fetched time.Time // when known was; zero: never
	asked   time.Time // when the issuer was asked last
	failure error     // how that went
}

// VerifierConfig says whose tokens count. Issuer, Audience and Client must be
// given.
type VerifierConfig struct {
	Issuer   string       // an OpenID issuer: its configuration lies under /.well-known/openid-configuration
	Audience string       // aud
	Client   *http.Client // fetches configuration and keys; it must follow no redirects out of https

	Metrics *metric.Set      // jwt_fetches_total, by result; may be nil
	Log     *slog.Logger     // nil: silent
	Now     func() time.Time // nil: time.Now
}

// NewVerifier makes a Verifier. Nothing is fetched before the first token.
func NewVerifier(c VerifierConfig) *Verifier {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Verifier{config: c, turn: make(chan struct{}, 1)}
}

// Verify checks a token. The error wraps ErrToken or ErrNoIssuer and says why
// the token does not count.
func (v *Verifier) Verify(ctx context.Context, token string) error {
	if len(token) > longest {
		return fmt.Errorf("%w: it is longer than %d bytes", ErrToken, longest)
	}
	known, err := v.keys(ctx, false)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoIssuer, err)
	}
	err = known.check(token, v.config.Audience, v.config.Now())
	if errors.Is(err, errUnknownKey) { // perhaps it is a new one
		if known, again := v.keys(ctx, true); again == nil {
			err = known.check(token, v.config.Audience, v.config.Now())
		}
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrToken, err)
	}
	return nil
}

// keys gives the issuer's keys; newer ones if those that are known lack
// somebody's, and the issuer was not asked just now. Who has keys does not wait
// for those who fetch.
func (v *Verifier) keys(ctx context.Context, lacking bool) (trusted, error) {
	known, age, err := v.state()
	if err == nil && !lacking {
		if age < keepKeys {
			return known, nil
		}
		select {
		case v.turn <- struct{}{}:
		default:
			return known, nil // somebody is at it
		}
	} else {
		select {
		case v.turn <- struct{}{}:
		case <-ctx.Done():
			return trusted{}, ctx.Err()
		}
	}
	defer func() { <-v.turn }()
	v.ask(ctx)
	known, _, err = v.state()
	return known, err
}

// state is what is known, and how old; an error, if it is nothing that counts.
func (v *Verifier) state() (known trusted, age time.Duration, err error) {
	now := v.config.Now()
	v.mu.Lock()
	defer v.mu.Unlock()
	if age = now.Sub(v.fetched); !v.fetched.IsZero() && age < trustKeys {
		return v.known, age, nil
	}
	if v.failure != nil {
		return trusted{}, 0, v.failure
	}
	return trusted{}, 0, errors.New("the issuer was not asked yet")
}

// ask fetches the issuer's keys, unless that was done just now. Who calls it
// holds the turn.
func (v *Verifier) ask(ctx context.Context) {
	now := v.config.Now()
	v.mu.Lock()
	pause := askAgain
	if v.failure != nil {
		pause = tryAgain
	}
	early := !v.asked.IsZero() && now.Sub(v.asked) < pause
	v.mu.Unlock()
	if early {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTime) // others may wait for it, too
	defer cancel()
	known, err := v.fetch(ctx)
	if err != nil {
		v.count("failed")
		v.config.Log.Warn("the keys of the token issuer could not be fetched", "issuer", v.config.Issuer, "error", err)
	} else {
		v.count("done")
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked, v.failure = v.config.Now(), err
	if err == nil {
		v.known, v.fetched = known, now
	}
}

func (v *Verifier) count(result string) {
	v.config.Metrics.Counter("jwt_fetches_total", "result", result, "Fetches of a token issuer's keys, by result").Add(1)
}

func (v *Verifier) fetch(ctx context.Context) (trusted, error) {
	text, err := v.get(ctx, strings.TrimSuffix(v.config.Issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return trusted{}, fmt.Errorf("fetch the OpenID configuration: %w", err)
	}
	at, err := parseConfiguration(text, v.config.Issuer)
	if err != nil {
		return trusted{}, err
	}
	if err := v.fits(at); err != nil {
		return trusted{}, err
	}
	if text, err = v.get(ctx, at); err != nil {
		return trusted{}, fmt.Errorf("fetch keys: %w", err)
	}
	keys, err := parseKeys(text)
	return trusted{v.config.Issuer, keys}, err
}

// fits wants keys from an issuer with https to come over https, too.
func (v *Verifier) fits(keysURL string) error {
	u, err := url.Parse(keysURL)
	if err != nil || u.Scheme != "https" && strings.HasPrefix(v.config.Issuer, "https:") {
		return fmt.Errorf("the jwks_uri %.200q is not https", keysURL)
	}
	return nil
}

func (v *Verifier) get(ctx context.Context, from string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	answer, err := v.config.Client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer was %.80s", answer.Status)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, largestText+1))
	if err == nil && len(text) > largestText {
		err = errors.New("the answer is too long")
	}
	return text, err
}
