package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Phones are telephones that keep count: every dialog that one of them began,
// or was drawn into, until it is over for both sides. All share a SIP socket;
// they say counting (see speech) while a call is up, and never wait for each
// other. They place calls, and take those that the server sends to their
// address, which is its trunk.
type phones struct {
	addr   string // their own
	socket *net.UDPConn
	server *net.UDPAddr
	random *rand.Rand // under mu

	mu      sync.Mutex
	talks   map[string]*talk // by Call-ID
	strange []string         // what no telephone should see
	ticked  time.Time
	stood   time.Duration // for how long nothing was said because the machine stood still
	number  int           // the last one given
}

// pace is how often phones say something, and see to what is due.
const pace = 20 * time.Millisecond

// startPhones runs phones until the end of the test.
func startPhones(t *testing.T, server string, seed uint64) *phones {
	t.Helper()
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	to, err := net.ResolveUDPAddr("udp4", server)
	if err != nil {
		t.Fatal(err)
	}
	_ = socket.SetReadBuffer(4 << 20)
	x := &phones{addr: socket.LocalAddr().String(), socket: socket, server: to, random: rand.New(rand.NewPCG(seed, 1)), talks: map[string]*talk{}}
	var all sync.WaitGroup
	stop := make(chan struct{})
	all.Go(x.listen)
	all.Go(func() {
		every := time.NewTicker(pace)
		defer every.Stop()
		for {
			select {
			case <-every.C:
				x.tick(time.Now())
			case <-stop:
				return
			}
		}
	})
	t.Cleanup(func() {
		close(stop)
		socket.Close()
		all.Wait()
		x.mu.Lock()
		defer x.mu.Unlock()
		for _, k := range x.talks {
			k.conn.Close()
		}
	})
	return x
}

// listen takes in what the server says.
func (x *phones) listen() {
	b := make([]byte, 65536)
	for {
		n, err := x.socket.Read(b)
		if err != nil {
			return
		}
		m, ok := readMessage(string(b[:n]))
		if !ok {
			continue // a keep-alive
		}
		x.mu.Lock()
		if m.status() > 0 {
			x.response(m)
		} else {
			x.request(m)
		}
		x.mu.Unlock()
	}
}

// tick does what is due: something is said, sent again, or done.
func (x *phones) tick(now time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if late := now.Sub(x.ticked); late > 3*pace && !x.ticked.IsZero() {
		x.stood += late
	}
	x.ticked = now
	for _, k := range x.talks {
		for i := range k.waiting {
			if w := &k.waiting[i]; !now.Before(w.due) {
				x.send(w.text)
				w.gap = min(2*w.gap, 4*time.Second)
				w.due = now.Add(w.gap)
			}
		}
		for len(k.deeds) > 0 && !now.Before(k.deeds[0].due) {
			do := k.deeds[0].do
			k.deeds = k.deeds[1:]
			do()
		}
		k.say()
	}
}

func (x *phones) send(text string) {
	if x.server != nil {
		_, _ = x.socket.WriteToUDP([]byte(text), x.server)
	}
}

// A whim is what a caller does by itself.
type whim struct {
	giveUp time.Duration // when it gives up while it rings; 0: never
	leave  time.Duration // when it hangs up once the call is up; 0: never
}

// call has a telephone with a number that ends with this digit call the server.
func (x *phones) call(digit int, w whim) *talk {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.number++
	k := x.newTalk(fmt.Sprintf("+1557%06d%d", x.number, digit), fmt.Sprintf("%d-%d@phones", x.number, time.Now().UnixNano()))
	k.placed, k.whim, k.state = true, w, "asks"
	k.target = "sip:+15550199@" + x.server.String()
	k.local = fmt.Sprintf("<sip:%s@%s>;tag=p%d", k.number, x.addr, x.number)
	k.remote = "<" + k.target + ">"
	k.cseq = 1
	k.request("INVITE", k.sdp())
	if w.giveUp > 0 {
		k.after(w.giveUp, func() {
			if k.state == "asks" || k.state == "rings" {
				k.note("gives up")
				k.request("CANCEL", "")
			}
		})
	}
	return k
}

// left tells of every talk that is not over, for both its sides.
func (x *phones) left() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	var all []string
	for _, k := range x.talks {
		if k.state != "over" || len(k.waiting) > 0 {
			all = append(all, "no end for a telephone that "+k.String())
		}
	}
	slices.Sort(all)
	return all
}

// late is for how long the telephones were silent because the machine stood
// still, since they were last asked.
func (x *phones) late() (d time.Duration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	d, x.stood = x.stood, 0
	return d
}

// clear forgets all talks, and gives what was strange about them. Those that
// were not over are let go of.
func (x *phones) clear() (all []*talk, strange []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for id, k := range x.talks {
		k.conn.Close()
		all = append(all, k)
		delete(x.talks, id)
	}
	strange, x.strange = x.strange, nil
	return all, strange
}

// How a callee behaves is told by the digit behind +1558.
const (
	answersAtOnce = iota + 1
	answersSoon
	answersLate
	ringsForEver
	isBusy
	leavesSoon
)

// callee is a number that nobody has had, of a telephone that behaves so.
func (x *phones) callee(behaviour int) string {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.number++
	return fmt.Sprintf("+1558%d%06d", behaviour, x.number)
}

// rung is a telephone that is called.
func (x *phones) rung(m message) {
	number, _, _ := strings.Cut(strings.TrimPrefix(m.word(1), "sip:"), "@")
	k := x.newTalk(number, m.get("Call-ID"))
	x.number++
	k.state, k.invite, k.target = "rings", m, address(m.get("Contact"))
	k.local, k.remote = fmt.Sprintf("%s;tag=p%d", m.get("To"), x.number), m.get("From")
	k.heard, _ = m.cseq()
	k.media = m.media()
	answer := func() { k.answer(200) }
	some := time.Duration(50+x.random.IntN(400)) * time.Millisecond
	behaviour := 0
	_, _ = fmt.Sscanf(number, "+1558%1d", &behaviour)
	if behaviour == answersAtOnce {
		answer()
		return
	}
	k.ring()
	switch behaviour {
	case answersSoon:
		k.after(some, answer)
	case answersLate:
		k.after(2*time.Second, answer)
	case isBusy:
		k.after(some, func() { k.answer(486) })
	case leavesSoon:
		k.whim.leave = some
		k.after(some, answer)
	case ringsForEver:
	default:
		k.after(some, func() { k.answer(404) })
	}
}
