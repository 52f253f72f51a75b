package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strings"
	"time"
)

// maxSkew is how far the date of a request may be from our clock.
const maxSkew = 15 * time.Minute

// claims is what a request says of itself and signs. A client may spell its
// target and host in more than one way; any one that fits the signature will
// do.
type claims struct {
	method        string
	targets       []string // path and query, exactly as sent
	hosts         []string
	date          string // x-ms-date
	contentHash   string // x-ms-content-sha256
	authorization string
	body          []byte
}

// A fault says why a signature, or a bearer token, does not count.
type fault struct {
	reason  string // of the counter
	message string
	bearer  bool
}

const (
	scheme        = "HMAC-SHA256 "
	signedHeaders = "x-ms-date;host;x-ms-content-sha256"
)

// verify checks a signature: nil, or the fault. The string to sign is method,
// target, and date;host;hash, joined by newlines.
//
// A signature counts for as long as its date does, and more than once: the date
// has no fractions of a second, so two honest requests may have the same one.
// Who can read a request can therefore send it again for a quarter of an hour;
// TLS is what keeps it from being read.
func verify(c claims, keys [][]byte, now time.Time) *fault {
	if c.authorization == "" {
		return &fault{reason: "missing", message: "the Authorization header is missing"}
	}
	signature, bad := readAuthorization(c.authorization)
	if bad != nil {
		return bad
	}
	date, err := http.ParseTime(c.date)
	if err != nil {
		return &fault{reason: "date", message: "x-ms-date is missing or not a date of RFC 1123"}
	}
	if skew := now.Sub(date); skew > maxSkew || skew < -maxSkew {
		return &fault{reason: "date", message: "x-ms-date is more than 15 minutes from the server's clock, " + now.UTC().Format(http.TimeFormat)}
	}
	sum := sha256.Sum256(c.body)
	if hash := base64.StdEncoding.EncodeToString(sum[:]); subtle.ConstantTimeCompare([]byte(hash), []byte(c.contentHash)) != 1 {
		return &fault{reason: "body hash", message: "x-ms-content-sha256 is not the hash of the body"}
	}
	if !signedBy(c, keys, signature) {
		return &fault{reason: "signature", message: "the signature does not fit the request: check the access key, and that proxies leave path and Host alone"}
	}
	return nil
}

// signedBy compares every combination, so that time tells nothing.
func signedBy(c claims, keys [][]byte, signature []byte) bool {
	found := false
	for _, key := range keys {
		for _, target := range c.targets {
			for _, host := range c.hosts {
				mac := hmac.New(sha256.New, key)
				mac.Write([]byte(c.method + "\n" + target + "\n" + c.date + ";" + host + ";" + c.contentHash))
				if hmac.Equal(mac.Sum(nil), signature) {
					found = true
				}
			}
		}
	}
	return found
}

// readAuthorization takes the header apart:
// "HMAC-SHA256 SignedHeaders=…&Signature=…".
func readAuthorization(header string) (signature []byte, bad *fault) {
	if len(header) < len(scheme) || !strings.EqualFold(header[:len(scheme)], scheme) {
		return nil, &fault{reason: "scheme", message: "the Authorization header is not of the form HMAC-SHA256 SignedHeaders=…&Signature=…, nor Bearer …"}
	}
	fields := map[string]string{}
	for part := range strings.SplitSeq(header[len(scheme):], "&") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[strings.ToLower(name)] = value
	}
	if !strings.EqualFold(fields["signedheaders"], signedHeaders) {
		return nil, &fault{reason: "malformed", message: "SignedHeaders must be " + signedHeaders}
	}
	signature, err := base64.StdEncoding.DecodeString(fields["signature"])
	if err != nil || len(signature) != sha256.Size {
		return nil, &fault{reason: "malformed", message: "Signature is not the base64 of 32 bytes"}
	}
	return signature, nil
}
