package sdp

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	pionsdp "github.com/pion/sdp/v3"
)

// The limits of what is read. Real telephones stay far below; a text beyond
// them is refused whole.
const (
	MaxSize    = 16 << 10 // bytes
	maxLine    = 2048     // bytes in a line
	maxMedia   = 16       // m-lines
	maxFormats = 64       // formats in an m-line
	maxAttrs   = 512      // attributes in all
)

// The errors that callers tell apart.
var (
	// ErrNoCodec: the far end and we have no format in common, or there is no
	// line of plain RTP audio at all.
	ErrNoCodec = errors.New("no codec in common")
	// ErrTooLarge: the text is beyond the limits of this package.
	ErrTooLarge = errors.New("session description too large")
)

// A Description is a whole SDP text, read.
type Description struct {
	Media []Media
}

// Parse reads an SDP text: an offer or an answer.
func Parse(text []byte) (*Description, error) {
	clean, mlines, err := tidy(text)
	if err != nil {
		return nil, err
	}
	var raw pionsdp.SessionDescription
	if err := raw.UnmarshalString(clean); err != nil {
		return nil, fmt.Errorf("parse session description: %w", err)
	}
	if len(raw.MediaDescriptions) != len(mlines) {
		return nil, errors.New("parse session description: m-lines out of place")
	}
	attrs := len(raw.Attributes)
	d := &Description{Media: make([]Media, 0, len(raw.MediaDescriptions))}
	for i, m := range raw.MediaDescriptions {
		if attrs += len(m.Attributes); attrs > maxAttrs || len(m.MediaName.Formats) > maxFormats {
			return nil, ErrTooLarge
		}
		media, err := read(&raw, m)
		if err != nil {
			return nil, err
		}
		if media.Kind != "audio" {
			if err := media.foreign(mlines[i]); err != nil {
				return nil, err
			}
		}
		d.Media = append(d.Media, media)
	}
	return d, nil
}

// tidy checks the limits, keeps the lines that say something to us and mends
// what telephones get wrong and the parser is strict about: bare line feeds, a
// last line without its end, a missing "s=" or "t=", odd numbers in "o=", kinds
// of media that it does not know. The m-lines are given as they were written.
func tidy(text []byte) (clean string, mlines []string, err error) {
	if len(text) > MaxSize {
		return "", nil, ErrTooLarge
	}
	var b strings.Builder
	b.Grow(len(text) + 64)
	head, timed := false, false // the lines that must come before all others, and before media, are written
	for line := range strings.Lines(strings.TrimRight(string(text), "\r\n \x00")) {
		line = strings.TrimRight(line, "\r\n \t")
		if len(line) > maxLine {
			return "", nil, ErrTooLarge
		}
		if line == "" {
			continue
		}
		kind := line[:min(2, len(line))]
		if !head {
			if kind != "v=" {
				return "", nil, errors.New("parse session description: no v= line")
			}
			b.WriteString(line + "\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\n")
			head = true
			continue
		}
		switch kind {
		case "c=":
		case "a=", "m=":
			if !timed {
				b.WriteString("t=0 0\r\n")
				timed = true
			}
			if kind == "m=" {
				mlines = append(mlines, line[2:])
				line = plainLine(line)
			}
		default:
			continue
		}
		b.WriteString(line)
		b.WriteString("\r\n")
	}
	if len(mlines) > maxMedia {
		return "", nil, ErrTooLarge
	}
	if !timed {
		b.WriteString("t=0 0\r\n")
	}
	return b.String(), mlines, nil
}

// plainLine is the m-line itself if the parser knows such media, else one that
// it knows, in its place.
func plainLine(line string) string {
	f := strings.Fields(line)
	if len(f) >= 4 && f[0] == "m=audio" && strings.HasPrefix(f[2], "RTP/") {
		return line
	}
	return "m=application 0 RTP/AVP 0"
}

// read makes a Media of one m-line, with what the session says for all.
func read(s *pionsdp.SessionDescription, m *pionsdp.MediaDescription) (Media, error) {
	out := Media{
		Kind:    m.MediaName.Media,
		Profile: strings.Join(m.MediaName.Protos, "/"),
		fmts:    m.MediaName.Formats,
	}
	port := m.MediaName.Port.Value
	if port < 0 || port > 65535 {
		return out, fmt.Errorf("parse session description: port %d", port)
	}
	conn := m.ConnectionInformation
	if conn == nil {
		conn = s.ConnectionInformation
	}
	addr, err := address(conn)
	if err != nil {
		return out, err
	}
	if conn == nil && port != 0 {
		return out, errors.New("parse session description: no c= line")
	}
	out.Addr = netip.AddrPortFrom(addr, uint16(port))
	if port != 0 && port < 65535 {
		out.RTCP = netip.AddrPortFrom(addr, uint16(port+1))
	}
	for _, a := range s.Attributes {
		if d, ok := directions[a.Key]; ok {
			out.Direction = d
		}
	}
	for _, a := range m.Attributes {
		out.attribute(a.Key, a.Value)
	}
	if out.Kind == "audio" {
		out.Formats = formats(m)
	}
	if out.Mux {
		out.RTCP = out.Addr
	}
	// RFC 2543 put a call on hold with the address 0.0.0.0.
	if addr.IsValid() && addr.IsUnspecified() {
		out.Direction = direction(out.Direction.Sends(), false)
	}
	return out, nil
}

// foreign takes what a refusal must repeat from an m-line that we do not carry.
func (m *Media) foreign(line string) error {
	f := strings.Fields(line)
	if len(f) < 4 {
		return fmt.Errorf("parse session description: m-line %q", line)
	}
	if len(f)-3 > maxFormats {
		return ErrTooLarge
	}
	m.Kind, m.Profile, m.fmts = f[0], f[2], f[3:]
	return nil
}

var directions = map[string]Direction{"sendrecv": SendRecv, "sendonly": SendOnly, "recvonly": RecvOnly, "inactive": Inactive}

func (m *Media) attribute(key, value string) {
	if d, ok := directions[key]; ok {
		m.Direction = d
		return
	}
	switch key {
	case "ptime":
		m.Ptime = millis(value)
	case "maxptime":
		m.MaxPtime = millis(value)
	case "rtcp-mux":
		m.Mux = true
	case "rtcp": // RFC 3605: port [nettype addrtype address]
		f := strings.Fields(value)
		if len(f) == 0 {
			return
		}
		port, err := strconv.ParseUint(f[0], 10, 16)
		if err != nil || port == 0 {
			return
		}
		addr := m.Addr.Addr()
		if len(f) == 4 {
			if a, err := netip.ParseAddr(f[3]); err == nil {
				addr = a
			}
		}
		m.RTCP = netip.AddrPortFrom(addr, uint16(port))
	}
}

// millis reads a packet time; nonsense counts as not said.
func millis(value string) int {
	// "20.0" and "20ms" are seen in the wild.
	digits := strings.TrimSpace(value)
	if i := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		digits = digits[:i]
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n <= 0 || n > 1000 {
		return 0
	}
	return n
}

// address is the IP address of a c= line, or the zero value for a host name.
func address(c *pionsdp.ConnectionInformation) (netip.Addr, error) {
	if c == nil || c.Address == nil {
		return netip.Addr{}, nil
	}
	host, _, _ := strings.Cut(c.Address.Address, "/") // what follows is the time to live of multicast
	addr, err := netip.ParseAddr(host)
	if err != nil {
		if looksNumeric(host) {
			return addr, fmt.Errorf("parse session description: address %q", c.Address.Address)
		}
		return netip.Addr{}, nil
	}
	if addr.IsMulticast() {
		return addr, errors.New("parse session description: multicast address")
	}
	return addr.Unmap().WithZone(""), nil
}

func looksNumeric(host string) bool {
	return strings.Trim(host, "0123456789.") == "" || strings.Contains(host, ":")
}

// formats are an m-line's formats that have a name, in its order.
func formats(m *pionsdp.MediaDescription) []Format {
	named := map[uint8]Format{}
	fmtp := map[uint8]string{}
	for _, a := range m.Attributes {
		key, rest, ok := strings.Cut(a.Value, " ")
		pt, err := strconv.ParseUint(key, 10, 7)
		if err != nil || !ok {
			continue
		}
		switch a.Key {
		case "rtpmap":
			if f, ok := rtpmap(uint8(pt), rest); ok {
				named[uint8(pt)] = f
			}
		case "fmtp":
			fmtp[uint8(pt)] = strings.TrimSpace(rest)
		}
	}
	var out []Format
	seen := map[uint8]bool{}
	for _, s := range m.MediaName.Formats {
		pt, err := strconv.ParseUint(s, 10, 7)
		if err != nil || seen[uint8(pt)] {
			continue
		}
		seen[uint8(pt)] = true
		f, ok := named[uint8(pt)]
		if !ok {
			if f, ok = static[uint8(pt)]; !ok {
				continue
			}
		}
		f.Fmtp = fmtp[uint8(pt)]
		out = append(out, f)
	}
	return out
}

// rtpmap reads "PCMU/8000" or "opus/48000/2".
func rtpmap(pt uint8, value string) (Format, bool) {
	parts := strings.Split(strings.TrimSpace(value), "/")
	if len(parts) < 2 || parts[0] == "" {
		return Format{}, false
	}
	clock, err := strconv.Atoi(parts[1])
	if err != nil || clock <= 0 || clock > 192000 {
		return Format{}, false
	}
	f := Format{PayloadType: pt, Name: parts[0], Clock: clock}
	if len(parts) > 2 {
		if n, err := strconv.Atoi(parts[2]); err == nil && n > 1 && n <= 8 {
			f.Channels = n
		}
	}
	return f, true
}
