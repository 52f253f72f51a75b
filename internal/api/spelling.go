package api

import (
	"net"
	"net/url"
	"slices"
	"strings"
)

// targets are the spellings of a request's target that clients sign: as it was
// sent; and with the query as JavaScript's URLSearchParams writes it, which
// Microsoft's client signs whatever it sends. A target in absolute form (RFC
// 9112, section 3.2.2) is signed without scheme and host.
func targets(raw string) []string {
	if !strings.HasPrefix(raw, "/") {
		if _, rest, absolute := strings.Cut(raw, "://"); absolute {
			raw = "/"
			if at := strings.IndexAny(rest, "/?"); at >= 0 {
				raw = "/" + strings.TrimPrefix(rest[at:], "/")
			}
		}
	}
	path, query, found := strings.Cut(raw, "?")
	if !found {
		return []string{raw}
	}
	if again := form(query); again != query {
		return []string{raw, path + "?" + again}
	}
	return []string{raw}
}

// form spells a query as the URL standard serializes application/x-www-form-
// urlencoded.
func form(query string) string {
	var out strings.Builder
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		if out.Len() > 0 {
			out.WriteByte('&')
		}
		name, value, _ := strings.Cut(pair, "=")
		formPart(&out, name)
		out.WriteByte('=')
		formPart(&out, value)
	}
	return out.String()
}

func formPart(out *strings.Builder, part string) {
	plain, err := url.QueryUnescape(part)
	if err != nil {
		plain = part
	}
	plain = url.QueryEscape(strings.ToValidUTF8(plain, "\uFFFD"))
	out.WriteString(strings.ReplaceAll(strings.ReplaceAll(plain, "~", "%7E"), "%2A", "*"))
}

// endpoints are the spellings of the endpoint that x-ms-host names. Python's
// client names it there without the port that it signs: that is the port of the
// request, or of another of our listeners.
func (a *api) endpoints(named, host string) []string {
	names := hosts(named)
	name := strings.TrimSuffix(named, "/")
	if _, _, err := net.SplitHostPort(name); err == nil {
		return names
	}
	ports := a.Ports
	if _, port, err := net.SplitHostPort(host); err == nil {
		ports = append([]string{port}, ports...)
	}
	name = strings.Trim(name, "[]") // of an IPv6 address
	for _, port := range ports {
		names = append(names, hosts(net.JoinHostPort(name, port))...)
	}
	return names
}

// usualPorts are those that a client may name or leave out.
var usualPorts = []string{":443", ":80"}

// hosts are the spellings of a host that clients sign. JavaScript's and .NET's
// sign the authority of the URL, in small letters and without a usual port;
// Java's as it was given; Python's takes it from the text of the endpoint, which
// may name a usual port that is not in the Host header, and end in a slash.
func hosts(host string) []string {
	host = strings.TrimSuffix(host, "/")
	names := []string{host}
	if lower := strings.ToLower(host); lower != host {
		names = append(names, lower)
	}
	for _, name := range slices.Clone(names) {
		bare := name
		for _, port := range usualPorts {
			bare = strings.TrimSuffix(bare, port)
		}
		if bare != name {
			names = append(names, bare)
		} else if strings.LastIndexByte(name, ':') <= strings.LastIndexByte(name, ']') { // it has no port
			for _, port := range usualPorts {
				names = append(names, name+port)
			}
		}
	}
	for _, name := range slices.Clone(names) {
		names = append(names, name+"/")
	}
	return names
}
