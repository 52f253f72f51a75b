package e2e_test

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// A message is a SIP message, read as far as a telephone must.
type message struct {
	first   string
	headers [][2]string
	body    string
}

func readMessage(text string) (m message, ok bool) {
	head, body, ok := strings.Cut(text, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	if !ok || !strings.Contains(lines[0], "SIP/2.0") {
		return m, false
	}
	m.first, m.body = lines[0], body
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		m.headers = append(m.headers, [2]string{strings.TrimSpace(name), strings.TrimSpace(value)})
	}
	return m, true
}

// String is the message as it is sent.
func (m message) String() string {
	var b strings.Builder
	b.WriteString(m.first + "\r\n")
	for _, h := range m.headers {
		b.WriteString(h[0] + ": " + h[1] + "\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(m.body), m.body)
	return b.String()
}

// get is the first value of a header.
func (m message) get(name string) string {
	for _, h := range m.headers {
		if strings.EqualFold(h[0], name) {
			return h[1]
		}
	}
	return ""
}

// word is a part of the first line.
func (m message) word(n int) string {
	if words := strings.Fields(m.first); n < len(words) {
		return words[n]
	}
	return ""
}

// status is that of a response, 0 of a request.
func (m message) status() int {
	if !strings.HasPrefix(m.first, "SIP/2.0") {
		return 0
	}
	n, _ := strconv.Atoi(m.word(1))
	return n
}

func (m message) cseq() (n int, method string) {
	_, _ = fmt.Sscanf(m.get("CSeq"), "%d %s", &n, &method)
	return n, method
}

// media is where the sound goes that an SDP asks for; nil for none.
func (m message) media() *net.UDPAddr {
	to := &net.UDPAddr{}
	for line := range strings.Lines(m.body) {
		if ip, ok := strings.CutPrefix(strings.TrimSpace(line), "c=IN IP4 "); ok {
			to.IP = net.ParseIP(ip)
		}
		if strings.HasPrefix(line, "m=audio ") {
			_, _ = fmt.Sscanf(line, "m=audio %d ", &to.Port)
		}
	}
	if to.IP == nil || to.Port == 0 {
		return nil
	}
	return to
}

// answered is a response to a request.
func (m message) answered(status int, to, contact, sdp string) message {
	r := message{first: fmt.Sprintf("SIP/2.0 %d Said", status), body: sdp}
	for _, h := range m.headers {
		switch strings.ToLower(h[0]) {
		case "via", "from", "call-id", "cseq", "record-route":
			r.headers = append(r.headers, h)
		case "to":
			r.headers = append(r.headers, [2]string{"To", to})
		}
	}
	if contact != "" {
		r.headers = append(r.headers, [2]string{"Contact", contact})
	}
	if sdp != "" {
		r.headers = append(r.headers, [2]string{"Content-Type", "application/sdp"})
	}
	return r
}

// address is the URI of a Contact.
func address(header string) string {
	_, rest, ok := strings.Cut(header, "<")
	if !ok {
		uri, _, _ := strings.Cut(header, ";")
		return uri
	}
	uri, _, _ := strings.Cut(rest, ">")
	return uri
}

// tag is that of a From or To.
func tag(header string) string {
	_, rest, _ := strings.Cut(header, ";tag=")
	tag, _, _ := strings.Cut(rest, ";")
	return tag
}
