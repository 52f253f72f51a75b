package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/tipring/tipring/internal/acs"
	"github.com/tipring/tipring/internal/call"
)

// decode reads a JSON object into v. Fields it does not know are skipped. The
// error names the field, where there is one, and the place.
func decode(body []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	err := dec.Decode(v)
	if err == nil {
		if _, err := dec.Token(); !errors.Is(err, io.EOF) {
			return invalid("body", "something follows the JSON object at byte %d", dec.InputOffset())
		}
		return nil
	}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF):
		return invalid("body", "is empty; a JSON object is needed")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return invalid("body", "is not whole JSON: it ends at byte %d", len(body))
	case errors.As(err, &syntax):
		return invalid("body", "is not JSON at byte %d: %s", syntax.Offset, syntax)
	case errors.As(err, &kind) && kind.Field != "":
		return invalid(kind.Field, "cannot be a %s (at byte %d); a JSON %s is needed", kind.Value, kind.Offset, jsonName(kind))
	case errors.As(err, &kind):
		return invalid("body", "is a %s; a JSON object is needed", kind.Value)
	}
	return invalid("body", "is not what is needed: %s", err)
}

func jsonName(e *json.UnmarshalTypeError) string {
	switch name := e.Type.Kind().String(); name {
	case "struct", "map":
		return "object"
	case "slice", "array":
		return "array"
	case "bool":
		return "boolean"
	case "int":
		return "integer"
	default:
		return name
	}
}

// invalid refuses a field. The message names it.
func invalid(field, format string, args ...any) error {
	return &call.Error{Code: call.Invalid, Field: field, Message: field + ": " + fmt.Sprintf(format, args...)}
}

func missing(field string) error { return invalid(field, "is required") }

// oneOf is the allowed word that value is, in any case. Empty is empty: say
// missing where that is wrong.
func oneOf(field, value string, allowed []string) (string, error) {
	if value == "" {
		return "", nil
	}
	i := slices.IndexFunc(allowed, func(word string) bool { return strings.EqualFold(word, value) })
	if i < 0 {
		return "", invalid(field, "%q is not possible; allowed: %s", clip(value), strings.Join(allowed, ", "))
	}
	return allowed[i], nil
}

// inRange is value, or otherwise when there is none.
func inRange(field string, value *int, otherwise, low, high int) (int, error) {
	if value == nil {
		return otherwise, nil
	}
	if *value < low || *value > high {
		return 0, invalid(field, "%d is out of range; allowed: %d to %d", *value, low, high)
	}
	return *value, nil
}

// checkURL wants an absolute URL of one of the schemes. Empty is fine.
func checkURL(field, value string, schemes ...string) error {
	if value == "" {
		return nil
	}
	u, err := url.Parse(value)
	if err != nil || u.Hostname() == "" || !slices.Contains(schemes, u.Scheme) {
		return invalid(field, "%q is not an absolute URL of scheme %s", clip(value), strings.Join(schemes, " or "))
	}
	return nil
}

// participant is the raw id of a participant who must be named.
func participant(field string, who *acs.Identifier) (string, error) {
	if who == nil {
		return "", missing(field)
	}
	id, err := who.ID()
	if err != nil {
		return "", invalid(field, "%s", err)
	}
	return id, plain(field, id)
}

// some are the participants of a list that must name one at least.
func some(field string, who []acs.Identifier) ([]string, error) {
	if len(who) == 0 {
		return nil, missing(field)
	}
	return distinct(field, who)
}

// distinct are the participants of a list that must name nobody twice.
func distinct(field string, who []acs.Identifier) ([]string, error) {
	ids, err := participants(field, who)
	if err != nil {
		return nil, err
	}
	for i, id := range ids {
		if slices.Contains(ids[:i], id) {
			return nil, invalid(fmt.Sprintf("%s[%d]", field, i), "%s is named twice", clip(id))
		}
	}
	return ids, nil
}

// user is the raw id of a user who may be left out.
func user(field string, who *acs.User) (string, error) {
	if who == nil {
		return "", nil
	}
	return who.ID, plain(field, who.ID)
}

// callerID is the raw id of a sourceCallerIdNumber, which may be left out.
func callerID(number *acs.PhoneNumber) (string, error) {
	if number == nil {
		return "", nil
	}
	return participant("sourceCallerIdNumber", &acs.Identifier{PhoneNumber: number})
}

func participants(field string, who []acs.Identifier) ([]string, error) {
	if len(who) > acs.MaxParticipants {
		return nil, invalid(field, "names %d; allowed: %d", len(who), acs.MaxParticipants)
	}
	ids := make([]string, 0, len(who))
	for i := range who {
		id, err := participant(fmt.Sprintf("%s[%d]", field, i), &who[i])
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func operationOf(o acs.Operation) (call.Operation, error) {
	err := checkURL("operationCallbackUri", o.OperationCallbackURI, "http", "https")
	return call.Operation{Context: o.OperationContext, Callback: o.OperationCallbackURI}, err
}

// clip keeps messages short.
func clip(s string) string {
	const most = 100
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
