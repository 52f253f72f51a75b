package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A server is a running tipring command.
type server struct {
	*process
	http, https, sip string // host:port of each listener
	data             string // the data folder
	media            int    // the first of its media ports
	connection       string // the connection string of its start page
	caFile           string // what NODE_EXTRA_CA_CERTS is told there
}

var (
	connectionLine = regexp.MustCompile(`endpoint=https://\S+;accesskey=\S+`)
	caLine         = regexp.MustCompile(`NODE_EXTRA_CA_CERTS=(\S+)`)
)

// startBinary runs a tipring with flags and waits until it has said where it is.
func startBinary(t *testing.T, path string, flags ...string) *server {
	t.Helper()
	s := &server{http: freeAddr(t), https: freeAddr(t), sip: freeAddr(t), data: filepath.Join(t.TempDir(), "data")}
	ports := mediaPorts()
	_, _ = fmt.Sscanf(ports, "%d-", &s.media)
	args := append([]string{"serve", "--http=" + s.http, "--https=" + s.https, "--sip=" + s.sip,
		"--media-ports=" + ports, "--data=" + s.data}, flags...)
	s.process = start(t, "tipring", exec.Command(path, args...), nil)
	page := s.awaitPrinted(t, 15*time.Second, "NODE_EXTRA_CA_CERTS=", "endpoint=https://", s.sip)
	s.connection = connectionLine.FindString(page)
	s.caFile = caLine.FindStringSubmatch(page)[1]
	return s
}

// ready waits until the server says that it is.
func (s *server) ready(t *testing.T) {
	t.Helper()
	eventually(t, 15*time.Second, "/healthz", func() bool {
		status, _, err := get("http://" + s.http + "/healthz")
		return err == nil && status == http.StatusOK
	})
}

// stop ends the server as an operator does, and wants exit status 0.
func (s *server) stop(t *testing.T, within time.Duration) {
	t.Helper()
	s.signal(t, syscall.SIGTERM)
	if code := s.exit(t, within); code != 0 {
		t.Errorf("the server ended with status %d", code)
	}
}

func get(url string) (status int, body string, err error) {
	client := http.Client{Timeout: 5 * time.Second}
	res, err := client.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

// metrics are the numbers of /metrics, by the name and labels as they stand there.
func (s *server) metrics(t *testing.T) map[string]float64 {
	t.Helper()
	status, body, err := get("http://" + s.http + "/metrics")
	if err != nil || status != http.StatusOK {
		t.Fatalf("/metrics: %d %v", status, err)
	}
	m := map[string]float64{}
	for line := range strings.Lines(body) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.ParseFloat(value, 64); err == nil && !strings.HasPrefix(name, "#") {
			m[name] = n
		}
	}
	return m
}

// counted sums the metrics whose name begins with prefix and whose labels hold
// part.
func (s *server) counted(t *testing.T, prefix, part string) float64 {
	t.Helper()
	var sum float64
	for name, n := range s.metrics(t) {
		if strings.HasPrefix(name, prefix) && strings.Contains(name, part) {
			sum += n
		}
	}
	return sum
}

// A world is a server and an app that is subscribed to its calls.
type world struct {
	*server
	*app
}

// startWorld runs a server and an app that speaks HTTPS to it, trusting its CA.
func startWorld(t *testing.T, flags ...string) *world {
	t.Helper()
	return startWorldWith(t, built(t, raceFlag), false, flags...)
}

// startWorldWith can have the app speak plain HTTP.
func startWorldWith(t *testing.T, path string, plain bool, flags ...string) *world {
	t.Helper()
	// The app's socket is there before the app: the app wants the CA, which the
	// server makes when it starts, and the server wants to reach the app.
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	url := fmt.Sprintf("http://%s", ln.Addr())
	s := startBinary(t, path, append([]string{"--events=" + url + "/events"}, flags...)...)
	a := startApp(t, ln.(*net.TCPListener), url, s.caFile)
	w := &world{s, a}
	s.ready(t)
	a.await(t, "SubscriptionValidation", 15*time.Second, nil)
	if plain {
		_, key, _ := strings.Cut(s.connection, ";")
		a.must(t, "app", "", "connect", "endpoint=http://"+s.http+"/;"+key, map[string]any{"allowInsecureConnection": true})
	} else {
		a.must(t, "app", "", "connect", s.connection)
	}
	return w
}

// garbage sends datagrams to a UDP address.
func garbage(t *testing.T, addr string, datagrams ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, b := range datagrams {
		_, _ = conn.Write([]byte(b)) // an ICMP answer to an earlier one may come back here
	}
}
