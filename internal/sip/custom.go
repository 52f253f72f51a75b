package sip

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	sipgo "github.com/emiago/sipgo/sip"
)

// The limits of the custom headers that we send along. A telephone takes in a
// message of a few kilobytes; what is larger belongs elsewhere.
const (
	maxCustomOut  = 64       // headers
	maxCustomSize = 16 << 10 // bytes, names and values together
)

// ErrHeader says that a custom header cannot be sent: its name is not User-To-User
// or X-…, or its value holds a line break or another control character, or
// there are too many of them.
var ErrHeader = errors.New("custom header cannot be sent")

// checkHeaders says what is wrong with custom headers that are to be sent.
func checkHeaders(headers map[string]string) error {
	if len(headers) > maxCustomOut {
		return fmt.Errorf("%w: %d headers, at most %d", ErrHeader, len(headers), maxCustomOut)
	}
	size := 0
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		value := headers[name]
		size += len(name) + len(value)
		switch {
		case !isCustom(name) || !isToken(name) || len(name) > maxUser:
			return fmt.Errorf("%w: name %q", ErrHeader, clean(name, maxUser))
		case len(value) > maxCustomValue:
			return fmt.Errorf("%w: the value of %s has %d bytes, at most %d", ErrHeader, name, len(value), maxCustomValue)
		case !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl):
			return fmt.Errorf("%w: the value of %s holds a control character", ErrHeader, name)
		}
	}
	if size > maxCustomSize {
		return fmt.Errorf("%w: %d bytes together, at most %d", ErrHeader, size, maxCustomSize)
	}
	return nil
}

// addHeaders puts custom headers into a request, in a fixed order.
func addHeaders(req *sipgo.Request, headers map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		req.AppendHeader(sipgo.NewHeader(name, headers[name]))
	}
}

// nameMarks are what a token may hold beside letters and digits (RFC 3261
// §25.1).
const nameMarks = "-.!%*_+`'~"

// isToken reports whether text can be the name of a header.
func isToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return !isTokenRune(r) })
}

func isTokenRune(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune(nameMarks, r)
}

// voipPrefix begins the SIP header that a VoIP header of an application
// becomes.
const voipPrefix = "X-MS-VoIP-"

// VoIPHeader is the name of the SIP header that carries an application's VoIP
// header to a registered telephone: X-MS-VoIP-key. What a header name cannot
// hold, and the percent sign, is written %XX, so that the key can be had back.
func VoIPHeader(key string) string {
	var b strings.Builder
	b.WriteString(voipPrefix)
	for i := range len(key) {
		if c := key[i]; c < utf8.RuneSelf && c != '%' && isTokenRune(rune(c)) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// IsVoIPHeader reports whether this is the name of a header that VoIPHeader
// made.
func IsVoIPHeader(name string) bool {
	return len(name) > len(voipPrefix) && strings.EqualFold(name[:len(voipPrefix)], voipPrefix)
}

// uriHeaders writes custom headers as the headers of a URI, which become those
// of the INVITE that is sent to it (RFC 3261 §19.1.1): "?X-a=1&X-b=2".
func uriHeaders(headers map[string]string) string {
	var b strings.Builder
	for i, name := range slices.Sorted(maps.Keys(headers)) {
		b.WriteByte("?&"[min(i, 1)])
		escape(&b, name)
		b.WriteByte('=')
		escape(&b, headers[name])
	}
	return b.String()
}

// escape writes what may stand in every part of a URI as it is (RFC 3261
// §25.1: unreserved) and the rest as %XX.
func escape(b *strings.Builder, text string) {
	for i := range len(text) {
		c := text[i]
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("-_.!~*'()", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(b, "%%%02X", c)
		}
	}
}
