package dial_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/dial"
	"github.com/tipring/tipring/internal/metric"
)

// names is a DNS server that answers every question about an IPv4 address with
// the next of its answers; the last one stays.
type names struct {
	mu      sync.Mutex
	answers [][]netip.Addr
	asked   int
	all     sync.WaitGroup
}

func (n *names) next() []netip.Addr {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked++
	answer := n.answers[0]
	if len(n.answers) > 1 {
		n.answers = n.answers[1:]
	}
	return answer
}

// resolver asks this server and nobody else.
func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		n.all.Go(func() { n.serve(theirs) })
		return ours, nil
	}}
}

// serve answers questions as they come over TCP (RFC 1035, section 4.2.2).
func (n *names) serve(conn net.Conn) {
	defer conn.Close()
	for {
		var size uint16
		if binary.Read(conn, binary.BigEndian, &size) != nil {
			return
		}
		q := make([]byte, size)
		if _, err := io.ReadFull(conn, q); err != nil {
			return
		}
		end := 12
		for q[end] != 0 {
			end += int(q[end]) + 1
		}
		var addrs []netip.Addr
		if kind := binary.BigEndian.Uint16(q[end+1:]); kind == 1 {
			addrs = n.next()
		}
		a := append([]byte{q[0], q[1], 0x81, 0x80, 0, 1, 0, byte(len(addrs)), 0, 0, 0, 0}, q[12:end+5]...)
		for _, addr := range addrs {
			ip := addr.As4()
			a = append(a, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ip[0], ip[1], ip[2], ip[3])
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(a))), a...)); err != nil {
			return
		}
	}
}

// TestANameThatChangesItsAnswer: whatever a name meant when somebody looked, the
// address that is connected to is the one that is judged.
func TestANameThatChangesItsAnswer(t *testing.T) {
	l, err := net.Listen("tcp4", "0.0.0.0:0") // all of 127.0.0.0/8
	if err != nil {
		t.Fatal(err)
	}
	met := make(chan netip.Addr, 10)
	app := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		met <- r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr).AddrPort().Addr().Unmap()
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = app.Serve(l) }()
	defer func() { app.Close(); <-done }()
	_, port, _ := net.SplitHostPort(l.Addr().String())

	good, secret := netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.1")
	n := &names{answers: [][]netip.Addr{{good}, {secret}, {secret, good}, {netip.MustParseAddr("169.254.169.254")}}}
	defer n.all.Wait()
	set := &metric.Set{}
	d := &dial.Dialer{AllowNet: []netip.Prefix{netip.PrefixFrom(good, 32)}, Resolver: n.resolver(), Metrics: set}
	for i, want := range []string{"", "loopback", "", "link-local"} {
		client := d.HTTPClient(dial.Limits{})
		resp, err := client.Get("http://rebind.example:" + port)
		if err == nil {
			resp.Body.Close()
			if at := <-met; at != good {
				t.Errorf("answer %d: it reached %v", i, at)
			}
		}
		if got := reason(t, err); got != want {
			t.Errorf("answer %d: refused %q, want %q", i, got, want)
		}
		client.CloseIdleConnections()
	}
	if len(met) > 0 {
		t.Errorf("somebody reached %v", <-met)
	}
	if n.asked < 4 {
		t.Errorf("the name was asked for %d times", n.asked)
	}
	if set.Counter("dial_refused_total", "reason", "link-local", "").Value() == 0 {
		t.Error("not counted")
	}
}

// TestARedirectToSecrets: an allowed server sends us to the metadata of a cloud,
// by number, by name and in disguise.
func TestARedirectToSecrets(t *testing.T) {
	open := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusTemporaryRedirect)
	}))
	defer open.Close()
	n := &names{answers: [][]netip.Addr{{netip.MustParseAddr("169.254.169.254")}}}
	defer n.all.Wait()
	everything := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	client := (&dial.Dialer{AllowNet: everything, Resolver: n.resolver()}).HTTPClient(dial.Limits{})
	defer client.CloseIdleConnections()
	for _, to := range []string{
		"http://169.254.169.254/latest/meta-data/", "http://metadata.example/latest/", "http://[::ffff:169.254.169.254]/",
		"http://[64:ff9b::169.254.169.254]/", "https://169.254.169.254/",
	} {
		resp, err := client.Get(open.URL + "/?to=" + to)
		if err == nil {
			resp.Body.Close()
		}
		if got := reason(t, err); got != "link-local" {
			t.Errorf("%s: %v", to, err)
		}
	}
}

// TestASlowHeader: one that trickles in is given up in time, as is one without
// end, in time or in bytes.
func TestASlowHeader(t *testing.T) {
	for name, c := range map[string]struct {
		text  string // said once
		drip  string // said again and again
		pause time.Duration
		limit dial.Limits
	}{
		"nothing":        {"", "", time.Hour, dial.Limits{Header: 200 * time.Millisecond}},
		"a slow line":    {"HTTP/1.1 200 ", "O", 10 * time.Millisecond, dial.Limits{Header: 200 * time.Millisecond}},
		"slow headers":   {"HTTP/1.1 200 OK\r\n", "X: y\r\n", 10 * time.Millisecond, dial.Limits{Header: 200 * time.Millisecond}},
		"early hints":    {"", "HTTP/1.1 103 Early Hints\r\n\r\n", 10 * time.Millisecond, dial.Limits{Timeout: 200 * time.Millisecond}},
		"many headers":   {"HTTP/1.1 200 OK\r\n", "X: y\r\n", 0, dial.Limits{}},
		"a long line":    {"HTTP/1.1 200 OK\r\nX: ", "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy", 0, dial.Limits{}},
		"a slow body":    {"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "y", 10 * time.Millisecond, dial.Limits{Timeout: 200 * time.Millisecond}},
		"an endless one": {"HTTP/1.1 200 OK\r\n\r\n", "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy", 0, dial.Limits{Body: 1 << 20}},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var all sync.WaitGroup
			over := make(chan struct{})
			all.Go(func() {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				if _, err = http.ReadRequest(bufio.NewReader(conn)); err == nil {
					_, err = io.WriteString(conn, c.text)
				}
				for err == nil {
					select {
					case <-time.After(c.pause):
					case <-over:
						return
					}
					_, err = io.WriteString(conn, c.drip)
				}
			})
			defer all.Wait()
			defer l.Close()
			defer close(over)
			client := (&dial.Dialer{AllowNet: loopback()}).HTTPClient(c.limit)
			defer client.CloseIdleConnections()
			began := time.Now()
			resp, err := client.Get("http://" + l.Addr().String())
			var read int64
			if err == nil {
				read, err = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			if took := time.Since(began); err == nil || took > 5*time.Second || read > 1<<20 {
				t.Errorf("%d bytes in %v: %v", read, took, err)
			}
		})
	}
}

// TestAHostHasSoManyConnections at a time; others do not wait for it.
func TestAHostHasSoManyConnections(t *testing.T) {
	var now, most atomic.Int32
	hold := make(chan struct{})
	busy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		<-hold
		now.Add(-1)
	}))
	defer busy.Close()
	free := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer free.Close()
	client := (&dial.Dialer{AllowNet: loopback()}).HTTPClient(dial.Limits{PerHost: 3})
	defer client.CloseIdleConnections()
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if resp, err := client.Get(busy.URL); err != nil {
				t.Error(err)
			} else {
				resp.Body.Close()
			}
		})
	}
	for now.Load() < 3 { // each of them is at its handler
		if resp, err := client.Get(free.URL); err != nil {
			t.Fatal(err)
		} else {
			resp.Body.Close()
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, busy.URL, nil)
	if _, err := client.Do(r); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an eleventh: %v", err)
	}
	close(hold)
	all.Wait()
	if n := most.Load(); n != 3 {
		t.Errorf("%d at a time", n)
	}
}
