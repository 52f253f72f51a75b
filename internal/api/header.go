package api

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tipring/tipring/internal/acs"
	"github.com/tipring/tipring/internal/call"
)

// headers checks a custom context. A control character in it is refused: with
// a line break an app's user could write headers of his own into a SIP message.
func headers(c *acs.CallingContext) (h call.Headers, err error) {
	const field = "customCallingContext."
	if c == nil {
		return h, nil
	}
	if details := string(c.TeamsDetails); details != "" && details != "null" {
		return h, unsupported(field+"teamsPhoneCallDetails", "Microsoft Teams")
	}
	if h.SIP, err = headersOf(field+"sipHeaders", c.SIPHeaders, acs.MaxSIPHeaders, acs.MaxSIPValue, sipName); err != nil {
		return h, err
	}
	h.VoIP, err = headersOf(field+"voipHeaders", c.VoIPHeaders, acs.MaxVoIPHeaders, acs.MaxVoIPValue, anyName)
	return h, err
}

// headersOf checks one of the two maps, in the order of its names. The empty
// map is nil.
func headersOf(field string, list map[string]string, most, longest int, check func(name string) string) (map[string]string, error) {
	if len(list) > most {
		return nil, invalid(field, "has %d headers; allowed: %d", len(list), most)
	}
	if len(list) == 0 {
		return nil, nil
	}
	for _, name := range slices.Sorted(maps.Keys(list)) {
		value := list[name]
		one := fmt.Sprintf("%s[%q]", field, clip(name))
		wrong := check(name)
		if n := utf8.RuneCountInString(name); n > acs.MaxHeaderName {
			wrong = fmt.Sprintf("its name has %d characters; allowed: %d", n, acs.MaxHeaderName)
		}
		if wrong != "" {
			return nil, invalid(one, "%s", wrong)
		}
		if n := utf8.RuneCountInString(value); n > longest {
			return nil, invalid(one, "has %d characters; allowed: %d", n, longest)
		}
		if err := plain(one, value); err != nil {
			return nil, err
		}
	}
	return maps.Clone(list), nil
}

// sipName says what is wrong with the name of a SIP header: it must be one of
// those that travel with a call, and a token (RFC 3261, section 25.1).
func sipName(name string) string {
	prefixed := len(name) > len(acs.HeaderPrefix) && strings.EqualFold(name[:len(acs.HeaderPrefix)], acs.HeaderPrefix)
	if !prefixed && !strings.EqualFold(name, acs.UserToUser) {
		return "cannot be sent; allowed: User-To-User, X-MS-Custom-… and X-…"
	}
	const marks = "-.!%*_+`'~"
	bad := strings.IndexFunc(name, func(c rune) bool {
		return c > unicode.MaxASCII || !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune(marks, c)
	})
	if bad >= 0 {
		return "its name may have letters, digits and " + marks + " only"
	}
	return ""
}

func anyName(name string) string {
	switch {
	case name == "":
		return "has no name"
	case strings.ContainsFunc(name, unicode.IsControl):
		return "its name has control characters"
	}
	return ""
}

// plain refuses control characters, line breaks among them.
func plain(field, value string) error {
	if strings.ContainsFunc(value, unicode.IsControl) {
		return invalid(field, "has control characters")
	}
	return nil
}
