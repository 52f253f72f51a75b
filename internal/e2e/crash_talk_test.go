package e2e_test

import (
	"encoding/binary"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// A talk is one dialog of a telephone, as the telephone sees it.
type talk struct {
	x       *phones
	number  string // of the telephone
	id      string // Call-ID
	placed  bool   // by the telephone
	whim    whim
	state   string // asks, rings, up, over
	story   []string
	waiting []retry // what is sent again until it is heard
	deeds   []deed  // what will be done, soonest first

	local, remote, target string  // From and To as the telephone writes them; the server's Contact
	invite, final         message // that called it; its last word to that
	cseq, heard           int     // of the last request, of the telephone and of the server

	conn  *net.UDPConn // its sound
	media *net.UDPAddr
	said  int // packets

	began, ended time.Time
}

type retry struct {
	name, text string
	due        time.Time
	gap        time.Duration
}

type deed struct {
	due time.Time
	do  func()
}

func (x *phones) newTalk(number, id string) *talk {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		panic(err) // no socket is left on this machine
	}
	k := &talk{x: x, number: number, id: id, conn: conn, began: time.Now()}
	x.talks[id] = k
	return k
}

// String tells the talk's story.
func (k *talk) String() string {
	way := "was called as"
	if k.placed {
		way = "called from"
	}
	waiting := ""
	for _, w := range k.waiting {
		waiting += ", still sends " + w.name
	}
	return fmt.Sprintf("%s %s (%s): %s; is %s%s", way, k.number, k.id, strings.Join(k.story, ", "), k.state, waiting)
}

func (k *talk) note(format string, args ...any) {
	k.story = append(k.story, time.Now().Format("05.000 ")+fmt.Sprintf(format, args...))
}

// after has something done later, unless the talk is over by then.
func (k *talk) after(d time.Duration, do func()) {
	k.deeds = append(k.deeds, deed{time.Now().Add(d), func() {
		if k.state != "over" {
			do()
		}
	}})
}

// insist sends a message again and again until it is answered.
func (k *talk) insist(name, text string) {
	k.settle(name)
	k.waiting = append(k.waiting, retry{name, text, time.Now().Add(500 * time.Millisecond), 500 * time.Millisecond})
	k.x.send(text)
}

// settle sends a message no more.
func (k *talk) settle(name string) {
	for i, w := range k.waiting {
		if w.name == name {
			k.waiting = append(k.waiting[:i:i], k.waiting[i+1:]...)
			return
		}
	}
}

// request sends one of the talk's own. All but ACK are sent until answered.
func (k *talk) request(method, body string) {
	cseq, branch := k.cseq, k.id
	switch method {
	case "INVITE", "CANCEL":
	case "ACK": // of a 2xx
		cseq, branch = 1, k.id+"ack"
	default:
		k.cseq++
		cseq, branch = k.cseq, k.id+method+strconv.Itoa(k.cseq)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s;rport\r\n", method, k.target, k.x.addr, branch)
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\nMax-Forwards: 70\r\nContact: <sip:%s@%s>\r\n", k.local, k.remote, k.id, cseq, method, k.number, k.x.addr)
	switch {
	case method == "NOTIFY":
		b.WriteString("Event: refer\r\nSubscription-State: terminated;reason=noresource\r\nContent-Type: message/sipfrag;version=2.0\r\n")
	case body != "":
		b.WriteString("Content-Type: application/sdp\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	if method == "ACK" {
		k.x.send(b.String())
		return
	}
	k.insist(method, b.String())
}

// acknowledge answers a refusal of the INVITE (RFC 3261, section 17.1.1.3).
func (k *talk) acknowledge(m message) {
	k.x.send(fmt.Sprintf("ACK sip:+15550199@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s;rport\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: 1 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
		k.x.server, k.x.addr, k.id, k.local, m.get("To"), k.id))
}

// ring says that the telephone rings.
func (k *talk) ring() {
	k.note("rings")
	k.final = k.invite.answered(180, k.local, k.contact(), "")
	k.x.send(k.final.String())
}

// answer is the last word to the INVITE, sent until it is acknowledged.
func (k *talk) answer(status int) {
	k.note("says %d", status)
	if k.settle("200"); status != 200 {
		k.final = k.invite.answered(status, k.local, k.contact(), "")
		k.over()
	} else {
		k.final = k.invite.answered(200, k.local, k.contact(), k.sdp())
		k.stand()
	}
	k.insist(strconv.Itoa(status), k.final.String())
}

func (k *talk) contact() string { return fmt.Sprintf("<sip:%s@%s>", k.number, k.x.addr) }

// stand: the call is up.
func (k *talk) stand() {
	k.state = "up"
	if k.whim.leave > 0 {
		k.after(k.whim.leave, k.leave)
	}
}

// leave hangs up.
func (k *talk) leave() {
	if k.state == "up" {
		k.note("leaves")
		k.request("BYE", "")
		k.over()
	}
}

func (k *talk) over() {
	if k.state != "over" {
		k.state, k.ended, k.deeds = "over", time.Now(), nil
	}
}

func (k *talk) sdp() string {
	return fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %d RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n",
		k.conn.LocalAddr().(*net.UDPAddr).Port)
}

// say sends the next packet of speech.
func (k *talk) say() {
	if k.state != "up" || k.media == nil {
		return
	}
	packet := make([]byte, 12, 172)
	packet[0] = 0x80
	binary.BigEndian.PutUint16(packet[2:], uint16(k.said))
	binary.BigEndian.PutUint32(packet[4:], uint32(160*k.said))
	binary.BigEndian.PutUint32(packet[8:], uint32(k.conn.LocalAddr().(*net.UDPAddr).Port))
	_, _ = k.conn.WriteToUDP(append(packet, speech[k.said%len(speech)]...), k.media)
	k.said++
}

// response takes in what the server answers.
func (x *phones) response(m message) {
	k := x.talks[m.get("Call-ID")]
	if k == nil {
		return
	}
	_, method := m.cseq()
	status := m.status()
	switch {
	case method == "INVITE" && status < 200:
		k.settle("INVITE")
		if k.state == "asks" {
			k.state = "rings"
		}
	case method == "INVITE" && status < 300:
		again := tag(k.remote) == tag(m.get("To"))
		k.settle("INVITE")
		k.remote, k.target, k.media = m.get("To"), address(m.get("Contact")), m.media()
		k.request("ACK", "")
		switch {
		case again: // the ACK was lost, or whoever waited for it has died
		case k.state == "over":
			x.strange = append(x.strange, fmt.Sprintf("%d after a refusal: %v", status, k))
		default:
			k.note("hears %d", status)
			k.stand()
		}
	case method == "INVITE":
		k.settle("INVITE")
		k.settle("CANCEL")
		k.acknowledge(m)
		if k.state == "up" {
			x.strange = append(x.strange, fmt.Sprintf("%d to a call that is up: %v", status, k))
		} else if k.state != "over" {
			k.note("hears %d", status)
		}
		k.over()
	case status >= 200:
		k.settle(method)
	}
}

// request takes in what the server asks.
func (x *phones) request(m message) {
	k := x.talks[m.get("Call-ID")]
	cseq, method := m.cseq()
	reply := func(status int) { x.send(m.answered(status, m.get("To"), "", "").String()) }
	switch {
	case k == nil && method == "INVITE":
		x.rung(m)
		return
	case k == nil:
		if method != "ACK" {
			reply(481)
		}
		return
	case method == "ACK":
		k.settle("200")
		if !k.placed && k.state == "over" {
			k.waiting = nil // it was a refusal, or a hang-up has crossed it
		}
		return
	case method == "INVITE" && cseq == k.heard && !k.placed:
		x.send(k.final.String())
		return
	case method == "CANCEL":
		k.canceled(reply)
		return
	case tag(m.get("To")) != tag(k.local) || tag(m.get("From")) != tag(k.remote):
		x.strange = append(x.strange, fmt.Sprintf("%s with the tags of another dialog, To %s, From %s: %v", method, m.get("To"), m.get("From"), k))
		reply(481)
		return
	case cseq < k.heard || cseq == k.heard && method == "INVITE":
		x.strange = append(x.strange, fmt.Sprintf("%s with CSeq %d after %d: %v", method, cseq, k.heard, k))
		reply(500)
		return
	}
	k.heard = cseq
	k.asked(m, method, reply)
}

// canceled: the server does not want the call any more that it placed.
func (k *talk) canceled(reply func(status int)) {
	reply(200)
	if k.state == "rings" {
		k.note("hears CANCEL")
		k.answer(487)
	}
}

// asked takes in a request within the dialog.
func (k *talk) asked(m message, method string, reply func(status int)) {
	switch method {
	case "BYE":
		reply(200)
		if k.state != "over" {
			k.note("hears BYE")
		}
		k.settle("200")
		k.over()
	case "INVITE":
		k.x.send(m.answered(200, k.local, k.contact(), k.sdp()).String())
	case "REFER":
		reply(202)
		k.after(100*time.Millisecond, func() { k.request("NOTIFY", "SIP/2.0 200 OK\r\n") })
	default:
		reply(200)
	}
}
