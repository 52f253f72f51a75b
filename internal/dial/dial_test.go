package dial_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/tipring/tipring/internal/dial"
	"github.com/tipring/tipring/internal/metric"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func loopback() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

func TestWhichAddressesMayBeReached(t *testing.T) {
	everything := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	for _, c := range []struct {
		addr          string
		plain, opened string // the reason of refusal, without AllowNet and with everything in it
	}{
		{"1.1.1.1", "", ""},
		{"2606:4700:4700::1111", "", ""},
		{"127.0.0.1", "loopback", ""},
		{"::1", "loopback", ""},
		{"::ffff:127.0.0.1", "loopback", ""},
		{"10.1.2.3", "private", ""},
		{"172.16.0.1", "private", ""},
		{"192.168.1.1", "private", ""},
		{"::ffff:10.0.0.1", "private", ""},
		{"fd12::1", "private", ""},
		{"100.64.0.1", "special", ""},
		{"198.18.0.1", "special", ""},
		{"192.0.2.1", "special", ""},
		{"240.0.0.1", "special", ""},
		{"0.1.2.3", "special", ""},
		{"64:ff9b::7f00:1", "special", ""},
		{"2002:7f00:1::1", "special", ""},
		{"::7f00:1", "special", ""},
		{"169.254.169.254", "link-local", "link-local"},
		{"169.254.1.1", "link-local", "link-local"},
		{"::ffff:169.254.169.254", "link-local", "link-local"},
		{"fe80::1%eth0", "link-local", "link-local"},
		{"224.0.0.1", "multicast", "multicast"},
		{"ff02::1", "multicast", "multicast"},
		{"255.255.255.255", "multicast", "multicast"},
		{"0.0.0.0", "unspecified", "unspecified"},
		{"::", "unspecified", "unspecified"},
		{"64:ff9b::a9fe:a9fe", "link-local", "link-local"},
		{"64:ff9b:1::a9fe:a9fe", "link-local", "link-local"},
		{"64:ff9b:1:a9fe:a9:fe00::", "link-local", "link-local"},
		{"2002:a9fe:a9fe::1", "link-local", "link-local"},
		{"2001:0:1:2:3:4:5601:5601", "link-local", "link-local"},
		{"::a9fe:a9fe", "link-local", "link-local"},
		{"64:ff9b::a83f:8110", "metadata", "metadata"},
		{"64:ff9b::808:808", "special", ""},
		{"fd00:ec2::254", "metadata", "metadata"},
		{"168.63.129.16", "metadata", "metadata"},
		{"100.100.100.200", "metadata", "metadata"},
	} {
		addr := netip.MustParseAddr(c.addr)
		if got := reason(t, (&dial.Dialer{}).Check(addr)); got != c.plain {
			t.Errorf("%s: refused %q, want %q", c.addr, got, c.plain)
		}
		if got := reason(t, (&dial.Dialer{AllowNet: everything}).Check(addr)); got != c.opened {
			t.Errorf("%s allowed: refused %q, want %q", c.addr, got, c.opened)
		}
	}
	closed := &dial.Dialer{NoPublic: true, AllowNet: loopback()}
	if got := reason(t, closed.Check(netip.MustParseAddr("1.1.1.1"))); got != "public" {
		t.Errorf("a public address with NoPublic: %q", got)
	}
	if got := reason(t, closed.Check(netip.MustParseAddr("127.1.2.3"))); got != "" {
		t.Errorf("an allowed address with NoPublic: %q", got)
	}
}

func reason(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var r *dial.Refused
	if !errors.As(err, &r) {
		t.Fatalf("%v is not a Refused", err)
	}
	return r.Reason
}

func TestAClientRefusesWhatNamesAndRedirectsHide(t *testing.T) {
	secret := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "secret") }))
	defer secret.Close()
	_, port, _ := net.SplitHostPort(secret.Listener.Addr().String())
	open := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusFound)
	}))
	defer open.Close()

	set := &metric.Set{}
	shut := &dial.Dialer{Metrics: set}
	client := shut.HTTPClient(dial.Limits{})
	for _, url := range []string{secret.URL, "http://localhost:" + port, "http://[::ffff:127.0.0.1]:" + port, "http://0.0.0.0:" + port} {
		resp, err := client.Get(url)
		var r *dial.Refused
		if !errors.As(err, &r) {
			t.Errorf("%s: %v, %v", url, resp, err)
		}
	}
	if n := set.Counter("dial_refused_total", "reason", "loopback", "").Value(); n < 3 {
		t.Errorf("%d refusals counted", n)
	}

	half := &dial.Dialer{AllowNet: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Metrics: set}
	client = half.HTTPClient(dial.Limits{})
	defer client.CloseIdleConnections()
	for to, ok := range map[string]bool{
		secret.URL:                        true,
		"http://127.0.0.2:" + port:        false,
		"http://169.254.169.254/metadata": false,
		"file:///etc/passwd":              false,
	} {
		resp, err := client.Get(open.URL + "/?to=" + to)
		if (err == nil) != ok {
			t.Errorf("redirect to %s: %v", to, err)
		}
		if err == nil {
			resp.Body.Close()
		}
	}
}

func TestRedirectsAreCounted(t *testing.T) {
	hops := 0
	loop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hops++
		http.Redirect(w, r, "/again", http.StatusFound)
	}))
	defer loop.Close()
	d := &dial.Dialer{AllowNet: loopback()}
	for redirects, want := range map[int]int{0: 6, 2: 3} {
		hops = 0
		client := d.HTTPClient(dial.Limits{Redirects: redirects})
		if resp, err := client.Get(loop.URL); err == nil {
			resp.Body.Close()
			t.Errorf("limit %d: an endless redirect gave %s", redirects, resp.Status)
		}
		if hops != want {
			t.Errorf("limit %d: %d requests, want %d", redirects, hops, want)
		}
		client.CloseIdleConnections()
	}
	client := d.HTTPClient(dial.Limits{Redirects: -1})
	defer client.CloseIdleConnections()
	resp, err := client.Get(loop.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusFound {
		t.Errorf("not following gave %s", resp.Status)
	}
}

func TestTheEnvironmentsProxyIsIgnored(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	app := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer app.Close()
	client := (&dial.Dialer{AllowNet: loopback()}).HTTPClient(dial.Limits{})
	defer client.CloseIdleConnections()
	resp, err := client.Get(strings.Replace(app.URL, "127.0.0.1", "localhost", 1))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

func TestAnAnswerEndsAtItsLimit(t *testing.T) {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data := bytes.Repeat([]byte{'x'}, 1000)
		switch r.URL.Path {
		case "/streamed":
			w.(http.Flusher).Flush() // no Content-Length
		case "/zipped":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(data)
			_ = z.Close()
			return
		}
		_, _ = w.Write(data)
	}))
	defer app.Close()
	set := &metric.Set{}
	d := &dial.Dialer{AllowNet: loopback(), Metrics: set}
	for _, path := range []string{"/plain", "/streamed", "/zipped"} {
		for limit, ok := range map[int64]bool{0: true, 1000: true, 999: false, 1: false} {
			client := d.HTTPClient(dial.Limits{Body: limit})
			var got []byte
			resp, err := client.Get(app.URL + path)
			if err == nil {
				got, err = io.ReadAll(resp.Body)
				resp.Body.Close()
			}
			if (err == nil) != ok || (err != nil && !errors.Is(err, dial.ErrTooLarge)) {
				t.Errorf("%s with limit %d: %v", path, limit, err)
			}
			if ok && len(got) != 1000 || !ok && int64(len(got)) > limit {
				t.Errorf("%s with limit %d: %d bytes", path, limit, len(got))
			}
			client.CloseIdleConnections()
		}
	}
	if n := set.Counter("dial_refused_total", "reason", "too large", "").Value(); n != 6 {
		t.Errorf("%d counted, want 6", n)
	}
}

func TestConnectionsForWebsockets(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := (&dial.Dialer{AllowNet: loopback()}).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if _, err := (&dial.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String()); reason(t, err) != "loopback" {
		t.Errorf("not refused: %v", err)
	}
	if _, err := (&dial.Dialer{}).DialContext(t.Context(), "unix", "/tmp/socket"); err == nil {
		t.Error("a unix socket was dialled")
	}
}

func TestTLSTrustsTheGivenRootsOnly(t *testing.T) {
	app := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer app.Close()
	app.Config.ErrorLog = nil
	trusting := &dial.Dialer{AllowNet: loopback(), Roots: app.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	client := trusting.HTTPClient(dial.Limits{})
	defer client.CloseIdleConnections()
	resp, err := client.Get(app.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if _, err := (&dial.Dialer{AllowNet: loopback()}).HTTPClient(dial.Limits{}).Get(app.URL); err == nil {
		t.Error("a stranger's certificate was trusted")
	}
}

func FuzzCheck(f *testing.F) {
	f.Add([]byte{127, 0, 0, 1})
	f.Add(netip.MustParseAddr("::ffff:10.0.0.1").AsSlice())
	d := &dial.Dialer{}
	f.Fuzz(func(t *testing.T, raw []byte) {
		addr, ok := netip.AddrFromSlice(raw)
		if !ok || d.Check(addr) != nil {
			return
		}
		a := addr.Unmap()
		if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() {
			t.Fatalf("%s is allowed", addr)
		}
	})
}
