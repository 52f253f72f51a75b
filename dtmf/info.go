package dtmf

import (
	"errors"
	"fmt"
	"mime"
	"strconv"
	"strings"
	"time"
)

// maxInfo is far more than the body of a digit needs.
const maxInfo = 1024

// ParseInfo reads the digit of a SIP INFO request (RFC 2976 as telephones use
// it). contentType is its Content-Type header:
//
//   - application/dtmf-relay: lines such as "Signal=5" and "Duration=160", the
//     duration in milliseconds
//   - application/dtmf: the digit alone
//
// The digit may be a symbol of either case or an event number, 10 for *, 11
// for #. A missing duration is zero. Anything else is an error; a hook flash
// is one too.
func ParseInfo(contentType string, body []byte) (symbol byte, duration time.Duration, err error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return 0, 0, fmt.Errorf("parse INFO: content type: %w", err)
	}
	if len(body) > maxInfo {
		return 0, 0, fmt.Errorf("parse INFO: body of %d bytes is too long", len(body))
	}
	switch kind {
	case "application/dtmf-relay":
		return parseRelay(string(body))
	case "application/dtmf":
		if symbol, err = parseSignal(string(body)); err != nil {
			return 0, 0, err
		}
		return symbol, 0, nil
	}
	return 0, 0, fmt.Errorf("parse INFO: %q carries no digit", kind)
}

func parseRelay(body string) (symbol byte, duration time.Duration, err error) {
	for line := range strings.Lines(body) {
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "signal":
			if symbol, err = parseSignal(value); err != nil {
				return 0, 0, err
			}
		case "duration":
			ms, err := strconv.ParseUint(strings.TrimSpace(value), 10, 16)
			if err != nil {
				return 0, 0, fmt.Errorf("parse INFO: duration: %w", err)
			}
			duration = time.Duration(ms) * time.Millisecond
		}
	}
	if symbol == 0 {
		return 0, 0, errors.New("parse INFO: no Signal line")
	}
	return symbol, duration, nil
}

func parseSignal(text string) (byte, error) {
	text = strings.TrimSpace(text)
	if len(text) == 1 {
		if code, ok := symbol(text[0]); ok {
			return Symbols[code], nil
		}
	}
	if n, err := strconv.ParseUint(text, 10, 8); err == nil && len(text) == 2 && int(n) < len(Symbols) {
		return Symbols[n], nil
	}
	return 0, fmt.Errorf("parse INFO: %q is no digit", text)
}
