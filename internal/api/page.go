package api

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tipring/tipring/internal/acs"
	"github.com/tipring/tipring/internal/event"
)

// skipToken is the query parameter of a link to another page.
const skipToken = "skipToken"

// A skip is where a page begins: behind the participant of that id, who was
// number count. If that one has left, it is the count that says.
type skip struct {
	count int
	id    string
}

func (s skip) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(s.count) + " " + s.id))
}

// readSkip reads a token that nextLink made; the empty one is the beginning.
func readSkip(token string) (skip, error) {
	if token == "" {
		return skip{}, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	count, id, ok := strings.Cut(string(text), " ")
	n, err2 := strconv.Atoi(count)
	if err != nil || err2 != nil || !ok || n < 0 {
		return skip{}, invalid(skipToken, "%q is not from a nextLink of this server", clip(token))
	}
	return skip{n, id}, nil
}

// page cuts a page out of the list; next is nil for the last one.
func page(list []event.Participant, after skip) (cut []event.Participant, next *skip) {
	begin := slices.IndexFunc(list, func(p event.Participant) bool { return p.ID == after.id }) + 1
	if begin == 0 && after.count > 0 {
		begin = min(after.count-1, len(list)) // the one before has left, and the others moved up
	}
	end := min(begin+acs.PageSize, len(list))
	if end < len(list) {
		next = &skip{end, list[end-1].ID}
	}
	return list[begin:end], next
}

// nextLink is the absolute URL of another page: the client follows it as it is,
// and signs it for the host to which it sent this request.
func nextLink(r *http.Request, s skip) string {
	scheme := "http"
	if r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
		scheme = "https"
	}
	query := url.Values{skipToken: {s.String()}}
	if version := r.URL.Query().Get("api-version"); version != "" {
		query.Set("api-version", version)
	}
	return scheme + "://" + r.Host + r.URL.EscapedPath() + "?" + query.Encode()
}
