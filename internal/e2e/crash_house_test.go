package e2e_test

import (
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// A house is where a server lives, and lives again: one data folder and one
// set of addresses for all the processes that come and go there.
type house struct {
	binary string
	wrap   func(command []string) []string // how the command is run; nil: as it is
	flags  []string
	root   string // where its file system is seen from here; empty: it is the same
	server        // the process that lives there now, or did last
}

// newHouse has room for one server at a time.
func newHouse(t *testing.T, binary string, flags ...string) *house {
	t.Helper()
	h := &house{binary: binary}
	h.http, h.https, h.sip, h.data = freeAddr(t), freeAddr(t), freeAddr(t), filepath.Join(t.TempDir(), "data")
	ports := mediaPorts()
	_, _ = fmt.Sscanf(ports, "%d-", &h.media)
	h.flags = append([]string{"--http=" + h.http, "--https=" + h.https, "--sip=" + h.sip, "--media-ports=" + ports, "--data=" + h.data}, flags...)
	return h
}

// launch starts a server and does not wait for anything.
func (h *house) launch(t *testing.T) {
	t.Helper()
	command := slices.Concat([]string{h.binary, "serve"}, h.flags)
	if h.wrap != nil {
		command = h.wrap(command)
	}
	h.process = start(t, "tipring", exec.Command(command[0], command[1:]...), nil)
}

// open starts a server and waits until it takes calls.
func (h *house) open(t *testing.T) {
	t.Helper()
	h.launch(t)
	h.up(t)
}

// inside is where a file of the server's is seen from here.
func (h *house) inside(path string) string { return filepath.Join(h.root, path) }

// up waits until the server that was launched takes calls.
func (h *house) up(t *testing.T) {
	t.Helper()
	page := h.awaitPrinted(t, 20*time.Second, "NODE_EXTRA_CA_CERTS=", "endpoint=https://", h.sip)
	h.connection = connectionLine.FindString(page)
	h.caFile = caLine.FindStringSubmatch(page)[1]
	h.ready(t)
}

// delivered waits until nothing waits for delivery any more.
func (h *house) delivered(t *testing.T, atMost time.Duration) {
	t.Helper()
	h.none(t, atMost, "tipring_outbox_items")
}

// none waits until a gauge is 0.
func (h *house) none(t *testing.T, atMost time.Duration, gauge string) {
	t.Helper()
	var n float64
	if !within(atMost, func() (known bool) {
		n, known = h.metrics(t)[gauge]
		return known && n == 0
	}) {
		t.Errorf("after %v, %s is %.0f", atMost, gauge, n)
	}
}

// health is what /healthz says.
func (h *house) health(t *testing.T) (status int, text string) {
	t.Helper()
	status, text, err := get("http://" + h.http + "/healthz")
	if err != nil {
		t.Fatalf("/healthz: %v", err)
	}
	return status, text
}

// complains wants an error in the log that has all of some words; "a|b" is one
// of two.
func (h *house) complains(t *testing.T, atMost time.Duration, words ...string) string {
	t.Helper()
	var found string
	eventually(t, atMost, "the server to complain of "+strings.Join(words, ", "), func() bool {
		for line := range strings.Lines(h.printed()) {
			missing := slices.ContainsFunc(words, func(w string) bool {
				return !regexp.MustCompile("(?i)" + w).MatchString(line)
			})
			if strings.Contains(line, "level=ERROR") && !missing {
				found = strings.TrimSpace(line)
				return true
			}
		}
		return false
	})
	return found
}

// healthy wants the server to say that it takes calls.
func (h *house) healthy(t *testing.T) {
	t.Helper()
	if status, text := h.health(t); status != http.StatusOK {
		t.Errorf("/healthz: %d %s", status, text)
	}
}
