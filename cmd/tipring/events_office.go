package main

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/tipring/tipring/internal/api"
	"github.com/tipring/tipring/internal/config"
)

// An office is where a running server answers for its dead letters.
type office struct {
	endpoint string // without a slash at the end
	key      []byte
	client   *http.Client
}

// A refusal is an answer of the server that is not a success.
type refusal struct {
	status  int
	message string
}

func (r *refusal) Error() string { return r.message }

// Is makes a refusal errNoLetter.
func (r *refusal) Is(target error) bool {
	return target == errNoLetter && r.status == http.StatusNotFound
}

var errNoLetter = errors.New("no such dead letter")

// office reads the flags.
func (c *eventsCmd) office() (*office, error) {
	endpoint, key := c.Server, ""
	if strings.Contains(endpoint, ";") || strings.HasPrefix(strings.ToLower(endpoint), "endpoint=") {
		endpoint = ""
		for part := range strings.SplitSeq(c.Server, ";") {
			name, value, _ := strings.Cut(part, "=")
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "endpoint":
				endpoint = strings.TrimSpace(value)
			case "accesskey":
				key = strings.TrimSpace(value)
			}
		}
	}
	env, _, _ := strings.Cut(os.Getenv("TIPRING_ACCESS_KEY"), " ") // it may hold two
	key = cmp.Or(c.AccessKey, key, env, config.DevelopmentKey)
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("--server: %q is neither a URL nor a connection string", endpoint)
	}
	raw, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return nil, errors.New("--access-key: it is not base64")
	}
	return &office{endpoint: u.Scheme + "://" + u.Host, key: raw, client: &http.Client{Timeout: time.Minute}}, nil
}

// all gives every letter, oldest first.
func (d *office) all(ctx context.Context) ([]api.DeadLetter, error) {
	list := []api.DeadLetter{}
	for after := uint64(0); ; {
		var page api.DeadLetters
		if err := d.ask(ctx, http.MethodGet, fmt.Sprintf("/tipring/events?after=%d", after), &page); err != nil {
			return nil, err
		}
		list = append(list, page.Value...)
		if page.Next <= after {
			return list, nil
		}
		after = page.Next
	}
}

func (d *office) one(ctx context.Context, seq uint64) (api.DeadLetter, error) {
	var l api.DeadLetter
	err := d.ask(ctx, http.MethodGet, fmt.Sprintf("/tipring/events/%d", seq), &l)
	return l, err
}

func (d *office) resend(ctx context.Context, seq uint64) error {
	return d.ask(ctx, http.MethodPost, fmt.Sprintf("/tipring/events/%d:resend", seq), nil)
}

func (d *office) remove(ctx context.Context, seq uint64) error {
	return d.ask(ctx, http.MethodDelete, fmt.Sprintf("/tipring/events/%d", seq), nil)
}

// ask sends a signed request without a body, and reads the answer into out,
// unless that is nil.
func (d *office) ask(ctx context.Context, method, target string, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, d.endpoint+target, nil)
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	d.sign(req)
	res, err := d.client.Do(req)
	if err != nil {
		return fmt.Errorf("ask the server (--server): %w", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", d.endpoint, err)
	}
	if res.StatusCode/100 != 2 {
		return d.refused(res, body)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("%s does not answer as a tipring does: %w", d.endpoint, err)
	}
	return nil
}

// sign adds the headers of HMAC authentication.
func (d *office) sign(req *http.Request) {
	sum := sha256.Sum256(nil)
	hash, date := base64.StdEncoding.EncodeToString(sum[:]), time.Now().UTC().Format(http.TimeFormat)
	mac := hmac.New(sha256.New, d.key)
	fmt.Fprintf(mac, "%s\n%s\n%s;%s;%s", req.Method, req.URL.RequestURI(), date, req.URL.Host, hash)
	req.Header.Set("X-Ms-Date", date)
	req.Header.Set("X-Ms-Content-Sha256", hash)
	req.Header.Set("Authorization", "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature="+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// refused reads why the server did not do it.
func (d *office) refused(res *http.Response, body []byte) error {
	var said struct {
		Error struct {
			Message    string
			InnerError struct{ Message string }
		}
	}
	if json.Unmarshal(body, &said) != nil || said.Error.Message == "" {
		return fmt.Errorf("%s does not answer as a tipring does: %s", d.endpoint, res.Status)
	}
	r := &refusal{res.StatusCode, said.Error.Message}
	if res.StatusCode == http.StatusUnauthorized {
		return fmt.Errorf("the server does not know this access key (--access-key): %s", said.Error.InnerError.Message)
	}
	return r
}
