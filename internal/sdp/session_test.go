package sdp_test

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tipring/tipring/internal/sdp"
)

var local = sdp.Local{
	Addr: netip.MustParseAddrPort("192.0.2.1:16384"),
	Formats: []sdp.Format{
		{Name: "PCMU", Clock: 8000, PayloadType: 0},
		{Name: "PCMA", Clock: 8000, PayloadType: 8},
		{Name: "telephone-event", Clock: 8000, PayloadType: 101},
	},
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "sdp", name+".sdp"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// mlines are the m-lines of a text, shortened.
func mlines(text []byte) string {
	var out []string
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "m="); ok {
			out = append(out, rest)
		}
	}
	return strings.Join(out, "; ")
}

func TestAnswerToWhatTelephonesOffer(t *testing.T) {
	for _, tt := range []struct {
		name, mlines string
		codec        string
		event        uint8 // 0: none
		remote, rtcp string
		direction    sdp.Direction
		ptime        int
	}{
		{"baresip", "audio 16384 RTP/AVP 0 101", "PCMU", 101, "192.168.1.20:17356", "192.168.1.20:17357", sdp.SendRecv, 20},
		{"linphone", "audio 16384 RTP/AVPF 0 100; video 0 RTP/AVPF 96", "PCMU", 100, "192.168.1.31:7078", "192.168.1.31:7079", sdp.SendRecv, 0},
		{"sipp", "audio 16384 RTP/AVP 0", "PCMU", 0, "127.0.0.1:6000", "127.0.0.1:6001", sdp.SendRecv, 0},
		{"asterisk", "audio 16384 RTP/AVP 8 101", "PCMA", 101, "203.0.113.9:14822", "203.0.113.9:14823", sdp.SendRecv, 20},
		{"carrier", "audio 16384 RTP/AVP 8 100", "PCMA", 100, "198.51.100.40:36902", "198.51.100.40:36903", sdp.SendRecv, 20},
		{"carrier_ipv6", "audio 16384 RTP/AVP 0 96", "PCMU", 96, "[2001:db8::5]:40000", "[2001:db8::6]:40017", sdp.SendRecv, 0},
		{"hold_address", "audio 16384 RTP/AVP 0 101", "PCMU", 101, "0.0.0.0:17356", "0.0.0.0:17357", sdp.RecvOnly, 0},
		{"hold_sendonly", "audio 16384 RTP/AVP 0 101", "PCMU", 101, "192.168.1.20:17356", "192.168.1.20:17357", sdp.RecvOnly, 0},
		{"srtp_and_plain", "audio 0 RTP/SAVP 0 8; audio 16384 RTP/AVP 8 101; image 0 udptl t38; audio 0 RTP/AVP 0", "PCMA", 101, "192.168.1.77:21002", "192.168.1.77:21003", sdp.SendRecv, 0},
		{"opus_first_bad_event", "audio 16384 RTP/AVP 0 101", "PCMU", 101, "192.168.1.50:50000", "192.168.1.50:50001", sdp.SendRecv, 0},
		{"sloppy", "audio 16384 RTP/AVP 0 101", "PCMU", 101, "invalid AddrPort", "invalid AddrPort", sdp.SendRecv, 30},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s sdp.Session
			text, c, err := s.Answer(fixture(t, tt.name), local)
			if err != nil {
				t.Fatal(err)
			}
			if got := mlines(text); got != tt.mlines {
				t.Errorf("m-lines %q, want %q", got, tt.mlines)
			}
			if c.Codec.Name != tt.codec || c.Event.PayloadType != tt.event || c.HasEvent() != (tt.event != 0) {
				t.Errorf("codec %+v, event %+v", c.Codec, c.Event)
			}
			if c.Remote.String() != tt.remote || c.RTCP.String() != tt.rtcp {
				t.Errorf("remote %v, %v; want %v, %v", c.Remote, c.RTCP, tt.remote, tt.rtcp)
			}
			if c.Direction != tt.direction || !strings.Contains(string(text), "a="+tt.direction.String()+"\r\n") {
				t.Errorf("direction %v, want %v", c.Direction, tt.direction)
			}
			if c.Ptime != tt.ptime {
				t.Errorf("ptime %d, want %d", c.Ptime, tt.ptime)
			}
			if _, err := sdp.Parse(text); err != nil {
				t.Errorf("our own answer does not parse: %v\n%s", err, text)
			}
		})
	}
}

func TestTheEventsClockIsTheCodecs(t *testing.T) {
	l := local
	l.Formats = append([]sdp.Format{{Name: "opus", Clock: 48000, Channels: 2}}, local.Formats...)
	var s sdp.Session
	text, c, err := s.Answer(fixture(t, "opus_first_bad_event"), l)
	if err != nil {
		t.Fatal(err)
	}
	if c.Codec.Name != "opus" || c.HasEvent() || strings.Contains(string(text), "telephone-event") {
		t.Errorf("an event of 8 kHz was answered with Opus:\n%s", text)
	}
	l.Formats = append(l.Formats, sdp.Format{Name: "telephone-event", Clock: 48000})
	if _, c, _ = new(sdp.Session).Answer(fixture(t, "linphone"), l); c.Event.PayloadType != 101 {
		t.Errorf("event %+v, want 101 at 48 kHz", c.Event)
	}
}

func TestNothingInCommon(t *testing.T) {
	for _, name := range []string{"g729_only", "srtp_only"} {
		if _, _, err := new(sdp.Session).Answer(fixture(t, name), local); !errors.Is(err, sdp.ErrNoCodec) {
			t.Errorf("%s: %v, want ErrNoCodec", name, err)
		}
	}
}

func TestDirectionsAreMirrored(t *testing.T) {
	base := string(fixture(t, "sipp"))
	for offered, want := range map[string]sdp.Direction{
		"sendrecv": sdp.SendRecv, "sendonly": sdp.RecvOnly, "recvonly": sdp.SendOnly, "inactive": sdp.Inactive,
	} {
		_, c, err := new(sdp.Session).Answer([]byte(base+"a="+offered+"\r\n"), local)
		if err != nil || c.Direction != want {
			t.Errorf("%s: %v, %v; want %v", offered, c.Direction, err, want)
		}
	}
}

func TestTheVersionRisesWithEachChange(t *testing.T) {
	origin := func(text []byte) string {
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "o=") {
				return line
			}
		}
		return ""
	}
	var s sdp.Session
	first, _, _ := s.Answer(fixture(t, "baresip"), local)
	again, _, _ := s.Answer(fixture(t, "baresip"), local)
	held, _, _ := s.Answer(fixture(t, "hold_sendonly"), local)
	if origin(first) == "" || origin(first) != origin(again) {
		t.Errorf("unchanged, but %q became %q", origin(first), origin(again))
	}
	a, b := strings.Fields(origin(first)), strings.Fields(origin(held))
	if a[1] != b[1] || a[2] == b[2] {
		t.Errorf("changed, but %v became %v", a, b)
	}
}

func TestMuxOnlyWhereBothCan(t *testing.T) {
	offer := fixture(t, "opus_first_bad_event")
	text, c, _ := new(sdp.Session).Answer(offer, local)
	if c.Mux || strings.Contains(string(text), "rtcp-mux") {
		t.Error("answered a mux that we did not say we have")
	}
	l := local
	l.Mux = true
	if text, c, _ = new(sdp.Session).Answer(offer, l); !c.Mux || c.RTCP != c.Remote || !strings.Contains(string(text), "a=rtcp-mux") {
		t.Errorf("mux not taken: %+v\n%s", c, text)
	}
	if _, c, _ = new(sdp.Session).Answer(fixture(t, "sipp"), l); c.Mux {
		t.Error("took a mux that was not offered")
	}
}

func TestOfferAndItsAnswer(t *testing.T) {
	var ours, theirs sdp.Session
	offer, err := ours.Offer(local)
	if err != nil {
		t.Fatal(err)
	}
	if got := mlines(offer); got != "audio 16384 RTP/AVP 0 8 101" {
		t.Fatalf("offer %q", got)
	}
	far := sdp.Local{Addr: netip.MustParseAddrPort("192.0.2.2:4000"), RTCP: netip.MustParseAddrPort("192.0.2.2:4007"), Formats: []sdp.Format{
		{Name: "pcma", Clock: 8000, PayloadType: 8}, {Name: "telephone-event", Clock: 8000},
	}}
	answer, _, err := theirs.Answer(offer, far)
	if err != nil {
		t.Fatal(err)
	}
	c, err := ours.Accept(answer)
	if err != nil {
		t.Fatal(err)
	}
	if c.Codec.PayloadType != 8 || c.Event.PayloadType != 101 || c.Remote != far.Addr || c.RTCP != far.RTCP {
		t.Errorf("got %+v", c)
	}
}

func TestAnAnswerThatRefuses(t *testing.T) {
	var s sdp.Session
	s.Offer(local)
	for name, text := range map[string]string{
		"port 0":      "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n",
		"no m-line":   "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n",
		"other codec": string(fixture(t, "g729_only")),
	} {
		if _, err := s.Accept([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestNonsenseIsRefusedWithAnError(t *testing.T) {
	ok := string(fixture(t, "sipp"))
	for name, text := range map[string]string{
		"empty":         "",
		"not sdp":       "hello",
		"no c=":         strings.Replace(ok, "c=IN IP4 127.0.0.1\r\n", "", 1),
		"bad address":   strings.Replace(ok, "c=IN IP4 127.0.0.1", "c=IN IP4 999.0.0.1", 1),
		"multicast":     strings.Replace(ok, "c=IN IP4 127.0.0.1", "c=IN IP4 224.1.1.1/127", 1),
		"port":          strings.Replace(ok, "audio 6000", "audio 66000", 1),
		"too large":     ok + strings.Repeat("a=x\r\n", 4000),
		"too many m":    ok + strings.Repeat("m=audio 6000 RTP/AVP 0\r\n", 20),
		"too many a":    ok + strings.Repeat("a=x\r\n", 600),
		"long line":     ok + "a=" + strings.Repeat("x", 3000) + "\r\n",
		"too many fmts": strings.Replace(ok, "AVP 0", "AVP"+strings.Repeat(" 0", 70), 1),
	} {
		if _, _, err := new(sdp.Session).Answer([]byte(text), local); err == nil {
			t.Errorf("%s: answered", name)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	files, _ := filepath.Glob("testdata/sdp/*.sdp")
	for _, name := range files {
		text, _ := os.ReadFile(name)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var s sdp.Session
		answer, c, err := s.Answer(text, local)
		if err != nil {
			return
		}
		if c.Codec.Name == "" {
			t.Fatal("no codec and no error")
		}
		theirs, err1 := sdp.Parse(text)
		ours, err2 := sdp.Parse(answer)
		if err1 != nil || err2 != nil {
			t.Fatalf("%v, %v\n%s", err1, err2, answer)
		}
		if len(theirs.Media) != len(ours.Media) {
			t.Fatalf("%d m-lines answered with %d", len(theirs.Media), len(ours.Media))
		}
	})
}

func BenchmarkAnswer(b *testing.B) {
	offer := fixture(b, "asterisk")
	b.ReportAllocs()
	for b.Loop() {
		var s sdp.Session
		if _, _, err := s.Answer(offer, local); err != nil {
			b.Fatal(err)
		}
	}
}
