package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// TestMain refuses to run without the tools: a test that cannot run has not
// passed.
func TestMain(m *testing.M) {
	if err := tools(); err != nil {
		fmt.Fprintf(os.Stderr, "FAIL: %v; run 'make test', which installs what is missing\n", err)
		os.Exit(1)
	}
	code := m.Run()
	if binaries.dir != "" {
		os.RemoveAll(binaries.dir)
	}
	os.Exit(code)
}

func tools() error {
	for _, tool := range []string{"go", "node", "baresip", "sipp", "java", "keytool", "unshare", "nsenter", "prlimit"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%s is not installed", tool)
		}
	}
	for _, sdk := range []string{filepath.Join("app", "node_modules", "@azure", "communication-call-automation"), filepath.Join("app", "node_modules", "jose"), pythonProgram, filepath.Join(javaClasses, "App.class")} {
		if _, err := os.Stat(sdk); err != nil {
			return fmt.Errorf("an SDK is not installed in internal/e2e: %w", err)
		}
	}
	return nil
}

// binaries are the server's programs, each built once.
var binaries struct {
	sync.Mutex
	dir  string
	path map[string]string
}

// built gives the tipring command, built once with the given build flags.
func built(t *testing.T, flags ...string) string {
	t.Helper()
	binaries.Lock()
	defer binaries.Unlock()
	key := strings.Join(flags, " ")
	if path := binaries.path[key]; path != "" {
		return path
	}
	if binaries.dir == "" {
		dir, err := os.MkdirTemp("", "tipring-e2e-") //nolint:usetesting // it outlives the test that asks first
		if err != nil {
			t.Fatal(err)
		}
		binaries.dir, binaries.path = dir, map[string]string{}
	}
	path := filepath.Join(binaries.dir, fmt.Sprintf("tipring%d", len(binaries.path)))
	args := append(append([]string{"build"}, flags...), "-o", path, "github.com/tipring/tipring/cmd/tipring")
	if out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	binaries.path[key] = path
	return path
}

// freeAddr is a loopback address whose port is free for UDP and for TCP. It is
// none of those that the system hands out, which could be somebody's before its
// user listens there, and is not given again while there are others.
func freeAddr(t *testing.T) string {
	t.Helper()
	for try := range 2000 {
		port := 29200 + rand.IntN(3500)
		if _, again := givenPorts.LoadOrStore(port, true); again && try < 1000 {
			continue
		}
		addr := fmt.Sprintf("127.0.0.1:%d", port)
		tcp, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		udp, err := net.ListenPacket("udp", addr)
		tcp.Close()
		if err == nil {
			udp.Close()
			return addr
		}
	}
	t.Fatal("no port is free for both UDP and TCP")
	return ""
}

var givenPorts sync.Map

// mediaPorts gives each server and phone a range of its own, below the ports
// of freeAddr; after 60 it begins anew. Where it begins is left to chance, for
// the sake of other tests on the same machine.
func mediaPorts() string {
	first := 17000 + 200*((firstRange+nextRange.Add(1))%60)
	return fmt.Sprintf("%d-%d", first, first+199)
}

var (
	firstRange = rand.Int64N(60)
	nextRange  atomic.Int64
)
