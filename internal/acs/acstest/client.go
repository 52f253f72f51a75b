package acstest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/tipring/tipring/internal/acs"
)

// A Client sends signed requests to one server.
type Client struct {
	Server string       // host:port of the API over HTTP
	Key    []byte       // an access key, decoded
	HTTP   *http.Client // nil: http.DefaultClient
}

// Refused is the error of a request that the server has refused.
type Refused struct {
	Path   string
	Status int
	Code   string // of the error in the answer, "8501"; empty: it had none
	Text   string // the whole answer
}

// Error says all of it.
func (r *Refused) Error() string { return fmt.Sprintf("POST %s: %d: %s", r.Path, r.Status, r.Text) }

// Post sends in as JSON, nothing if it is nil, and reads the answer into out,
// unless that is nil. An answer of 300 and more is a *Refused.
func (c *Client) Post(ctx context.Context, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("encode a request: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.Server+path+"?api-version="+acs.Version, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make a request: %w", err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	c.Sign(req, body)
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if res.StatusCode >= http.StatusMultipleChoices {
		refused := &Refused{Path: path, Status: res.StatusCode, Text: string(answer)}
		var said acs.ErrorBody
		if json.Unmarshal(answer, &said) == nil {
			refused.Code = said.Error.Code
		}
		return refused
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}

// Sign adds the headers of HMAC authentication.
func (c *Client) Sign(req *http.Request, body []byte) {
	sum := sha256.Sum256(body)
	hash := base64.StdEncoding.EncodeToString(sum[:])
	date := time.Now().UTC().Format(http.TimeFormat)
	mac := hmac.New(sha256.New, c.Key)
	fmt.Fprintf(mac, "%s\n%s\n%s;%s;%s", req.Method, req.URL.RequestURI(), date, req.URL.Host, hash)
	req.Header.Set("x-ms-date", date)
	req.Header.Set("x-ms-content-sha256", hash)
	req.Header.Set("Authorization", "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature="+
		base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}
