package e2e_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// crashes is how many lives the server has.
const crashes = 50

// TestFiftyCrashes kills a server fifty times in the middle of its work, over
// one data folder, and wants nothing to be forgotten: every operation ends
// once, every telephone is told, every recording is whole. CRASH_SEED repeats
// a run as far as chance goes.
func TestFiftyCrashes(t *testing.T) {
	c, failed := newCity(t, seed(t)), 0
	for n := range crashes {
		survived := t.Run(fmt.Sprintf("life%02d", n), func(t *testing.T) {
			l := c.life(t, n)
			l.load(t)
			l.crash(t)
			l.recovers(t)
			l.settles(t)
			l.repeats(t)
			l.audits(t)
		})
		if !survived {
			failed++
		}
		if failed == 5 {
			t.Fatalf("no use to go on after life %d", n)
		}
	}
	c.sums(t)
}

// seed is the beginning of all chance.
func seed(t *testing.T) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(os.Getenv("CRASH_SEED"), 10, 64)
	if err != nil {
		n = rand.Uint64()
	}
	t.Logf("CRASH_SEED=%d", n)
	return n
}

// A city is what outlives the server: an app, telephones, and the house.
type city struct {
	*house
	desk   *desk
	phones *phones
	real   *phone    // baresip
	sound  [2]string // ports of sipp's
	stream string
	random *rand.Rand
	serial atomic.Int64
	cut    map[string]int // operations that a crash has ended, by kind
	count  struct{ more, requests, notices, again, talks, recordings, repeated, lost int }
}

func newCity(t *testing.T, seed uint64) *city {
	t.Helper()
	c := &city{desk: openDesk(t), random: rand.New(rand.NewPCG(seed, 0)), cut: map[string]int{}}
	c.house = newHouse(t, built(t, "-race=false"), "--events="+c.desk.url+"/events") // as it is shipped
	c.phones = startPhones(t, c.sip, seed)
	c.flags = append(c.flags, "--trunk=sip:"+c.phones.addr)
	for i := range c.sound {
		c.sound[i], _, _ = strings.Cut(mediaPorts(), "-")
	}
	c.stream = startListener(t).url
	c.real = startPhone(t, caller, hum(8000, 300, time.Minute))
	return c
}

// A life is that of one server, from its start to its crash, and what the next
// one makes of it.
type life struct {
	*city
	n          int
	staff      *staff
	in, out    *callers // sipp's
	began, end time.Time
	stood      time.Duration // for how long the machine stood still
	dialled    bool          // by baresip
}

// life begins one.
func (c *city) life(t *testing.T, n int) *life {
	t.Helper()
	l := &life{city: c, n: n, began: time.Now()}
	c.open(t)
	c.desk.serves(&c.server)
	ctx, stop := context.WithCancel(context.Background())
	l.staff = &staff{desk: c.desk, phones: c.phones, stream: c.stream, ctx: ctx, stop: stop, serial: &c.serial,
		random: rand.New(rand.NewPCG(c.random.Uint64(), 0)), numbers: map[string]string{}}
	t.Cleanup(func() {
		c.desk.incoming.Store(nil)
		l.staff.leaves()
		c.phones.clear() // what a life has left undone is not the next one's
	})
	ring := l.staff.ring
	c.desk.incoming.Store(&ring)
	return l
}

// load lets telephones call, and the app call telephones, for a second or two.
func (l *life) load(t *testing.T) {
	t.Helper()
	l.out = startCallees(t, "crash-callee", calls{number: 1000, options: []string{"-mp", l.sound[0]}})
	l.register(t, "dora", l.out.addr)
	plan := []string{"0", "3", "4", "5", "9"}[l.n%5]
	l.in = startCallers(t, &l.server, "crash-caller", calls{number: 1000, rate: 8, options: []string{"-mp", l.sound[1], "-key", "plan", plan}})
	if l.dialled = l.n%3 == 0; l.dialled {
		l.real.dial(t, called, l.sip)
	}
	rest := 700*time.Millisecond + time.Duration(l.random.IntN(1200))*time.Millisecond
	end := time.After(rest)
	deaf := time.After(rest - time.Duration(l.random.IntN(500))*time.Millisecond)
	next := time.NewTicker(50 * time.Millisecond)
	defer next.Stop()
	for i := 0; ; i++ {
		select {
		case <-next.C:
			l.callOrBeCalled(i)
		case <-deaf: // in every other life what is told at last is not heard
			l.desk.closed.Store(l.n%2 == 0)
		case <-end:
			return
		}
	}
}

// callOrBeCalled has one telephone call, and now and then one be called.
func (l *life) callOrBeCalled(i int) {
	var w whim
	some := time.Duration(200+l.random.IntN(1300)) * time.Millisecond
	switch l.random.IntN(8) {
	case 0:
		w.leave = some
	case 1:
		w.giveUp = some
	}
	l.phones.call(i%10, w)
	if i%3 > 0 {
		return
	}
	who := telephone(l.phones.callee(1 + l.random.IntN(leavesSoon)))
	if i%9 == 0 {
		who = user("8:acs:dora")
	}
	l.staff.goes(func() { l.staff.places(who) })
}

// crash kills the server.
func (l *life) crash(t *testing.T) {
	t.Helper()
	last := l.metrics(t)
	<-time.After(time.Duration(l.random.IntN(20)) * time.Millisecond)
	l.kill()
	l.end = time.Now()
	l.stood = l.phones.late() + time.Duration(last["tipring_ticks_skipped_total"]/max(1, last["tipring_calls"]))*tick
	l.in.signal(t, syscall.SIGUSR1) // place no more calls, but see to those that are there
	refuse := func(n notice) {
		l.desk.post(context.Background(), &request{method: "POST", path: "/calling/callConnections:reject", id: n.id,
			body: fmt.Appendf(nil, `{"incomingCallContext":%q,"callRejectReason":"busy"}`, n.Token)})
	}
	l.desk.incoming.Store(&refuse) // who still calls, because nobody has heard
	l.staff.leaves()
}

// recovers starts a server again. Some do not live long enough to recover.
func (l *life) recovers(t *testing.T) {
	t.Helper()
	for l.random.IntN(4) == 0 {
		l.count.more++
		l.launch(t)
		<-time.After(time.Duration(l.random.IntN(200)) * time.Millisecond)
		l.kill()
	}
	l.desk.closed.Store(false)
	l.open(t)
}

// settles waits until every telephone is idle and every event is delivered.
func (l *life) settles(t *testing.T) {
	t.Helper()
	const patience = 15 * time.Second
	within(patience, func() bool { return len(l.phones.left()) == 0 })
	complain(t, l.phones.left())
	if l.dialled {
		l.real.await(t, "CALL_CLOSED", patience)
		l.dialled = false
	}
	l.none(t, patience, "tipring_calls")
	l.delivered(t, patience)
}

// audits holds what was promised against what was told.
func (l *life) audits(t *testing.T) {
	t.Helper()
	l.out.signal(t, syscall.SIGUSR1)
	for _, crowd := range []*callers{l.in, l.out} {
		crowd.exit(t, 10*time.Second)
		if sum, err := readTally(crowd.stat); err != nil || sum.failed > 0 {
			t.Errorf("%s: %d calls went well, %d failed (%v)", crowd.name, sum.successful, sum.failed, err)
		}
	}
	books := l.desk.since(l.began)
	complain(t, books.balance())
	talks := map[string]*talk{}
	for _, k := range l.talks(t) {
		talks[k.number] = k
	}
	store := l.storage(t, false)
	for _, k := range books.tapings(l.end, func(connection string) time.Time {
		if k := talks[l.staff.numbers[connection]]; k != nil {
			return k.ended
		}
		return time.Time{}
	}) {
		l.count.recordings++
		k.check(t, store, l.stood)
	}
	l.tally(books)
}

// talks are those of the telephones, about which nothing may be strange.
func (l *life) talks(t *testing.T) []*talk {
	t.Helper()
	all, strange := l.phones.clear()
	complain(t, strange)
	l.count.talks += len(all)
	rung := map[string]int{}
	for _, k := range all {
		if rung[k.number]++; rung[k.number] == 2 {
			t.Errorf("a telephone was rung twice: %v", k)
		}
	}
	return all
}
