package sip

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/tipring/tipring/internal/leg"
)

// The limits of what a caller may say of itself.
const (
	maxDisplay     = 256 // bytes
	maxUser        = 128
	maxCustom      = 32 // custom headers
	maxCustomValue = 1024
)

// partyID is the identifier of a SIP user: "4:+15550100" for an E.164 number,
// "8:acs:alice" for any other name.
func partyID(user string) string {
	if number := plain(user); isE164(number) {
		return "4:" + number
	}
	return "8:acs:" + user
}

// userOf is the user of a SIP or tel URI, unescaped and without parameters.
func userOf(u *sipgo.Uri) string {
	user := u.User
	if user == "" && strings.EqualFold(u.Scheme, "tel") {
		user = u.Raw()
	}
	user, _, _ = strings.Cut(user, ";")
	if un, err := url.PathUnescape(user); err == nil {
		user = un
	}
	return clean(user, maxUser)
}

// plain is a number without the marks that people put between digits (RFC 3966
// §5.1.1).
func plain(user string) string {
	if !strings.HasPrefix(user, "+") {
		return user
	}
	return strings.NewReplacer("-", "", ".", "", "(", "", ")", "", " ", "").Replace(user)
}

// isE164 reports whether this is "+" and 7 to 15 digits.
func isE164(number string) bool {
	digits, ok := strings.CutPrefix(number, "+")
	return ok && len(digits) >= 7 && len(digits) <= 15 && strings.Trim(digits, "0123456789") == ""
}

// PartyOf is the party that a SIP user of this name is.
func PartyOf(user string) leg.Party { return leg.Party{ID: partyID(user)} }

// userFor is the SIP user of a party identifier: the way back of partyID.
func userFor(id string) string {
	if number, ok := strings.CutPrefix(id, "4:"); ok {
		return number
	}
	return strings.TrimPrefix(id, "8:acs:")
}

func caller(req *sipgo.Request) leg.Party {
	from := req.From()
	return leg.Party{ID: partyID(userOf(&from.Address)), Display: displayName(from.DisplayName)}
}

// called is who the caller wants: the Request-URI says it, since a proxy may
// have changed its mind since To was written.
func called(req *sipgo.Request) leg.Party {
	user := userOf(&req.Recipient)
	if user == "" {
		user = userOf(&req.To().Address)
	}
	return leg.Party{ID: partyID(user), Display: displayName(req.To().DisplayName)}
}

// displayName undoes the escapes of a quoted string.
func displayName(s string) string {
	if strings.Contains(s, `\`) {
		var b strings.Builder
		for i := 0; i < len(s); i++ {
			if s[i] == '\\' && i+1 < len(s) {
				i++
			}
			b.WriteByte(s[i])
		}
		s = b.String()
	}
	return clean(s, maxDisplay)
}

// clean makes a text harmless: valid, printable, and no longer than most.
func clean(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	for len(s) > most {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return strings.TrimSpace(s)
}

// customHeaders are the headers that travel with a call: User-To-User and X-….
func customHeaders(req *sipgo.Request) map[string]string {
	var out map[string]string
	for _, h := range req.Headers() {
		name := h.Name()
		if !isCustom(name) || len(name) > maxUser || len(h.Value()) > maxCustomValue {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		if _, twice := out[name]; !twice && len(out) < maxCustom {
			out[name] = clean(h.Value(), maxCustomValue)
		}
	}
	return out
}

func isCustom(name string) bool {
	return strings.EqualFold(name, "User-To-User") || len(name) > 2 && strings.EqualFold(name[:2], "X-")
}

func itoa(n int) string { return strconv.Itoa(n) }

// quotable makes a display name fit for a quoted string.
func quotable(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(clean(s, maxDisplay))
}

// EscapeUser makes a name fit for the user part of a URI.
func EscapeUser(user string) string {
	const plain = "-_.!~*'()&=+$,;?/" // RFC 3261 §25.1
	var b strings.Builder
	for i := range len(user) {
		c := user[i]
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte(plain, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
