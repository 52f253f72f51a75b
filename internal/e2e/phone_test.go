package e2e_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A phone is a baresip, steered through its control socket. What it says comes
// from a WAV file; what it hears goes to one.
type phone struct {
	*process
	dir  string
	conn net.Conn

	mu     sync.Mutex
	events []phoneEvent
}

// A phoneEvent is what baresip tells: CALL_RINGING, CALL_ESTABLISHED,
// CALL_CLOSED (Param says why) and more.
type phoneEvent struct {
	Event bool
	Type  string
	Param string

	PeerURI         string // of the call
	PeerDisplayName string

	taken bool
}

// baresip ends a call when its microphone's file ends, so that is padded to
// this.
const micLength = 5 * time.Minute

const phoneConfig = `
poll_method epoll
sip_listen 127.0.0.1:0
sip_trans_def udp
call_max_calls 4
audio_source aufile,%[1]s/mic.wav
audio_player none,none
audio_alert none,none
ausrc_format s16
auplay_format s16
auenc_format s16
audec_format s16
audio_buffer 20-160
jitter_buffer_delay 2-10
rtp_ports %[2]s
net_interface 127.0.0.1
module_path %[3]s
module g711.so
module aufile.so
module sndfile.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
statmode_default off
ctrl_tcp_listen %[4]s
snd_path %[1]s
`

// startPhone runs a phone under a number, which says mic and then nothing.
func startPhone(t *testing.T, number string, mic sound) *phone {
	t.Helper()
	return runPhone(t, "<sip:"+number+"@127.0.0.1;transport=udp>;regint=0;answermode=manual", mic)
}

// startRegistered runs a phone that is registered at a server under a user, so
// that it can be called. answer is how: "auto" at once, "manual" when told to.
func startRegistered(t *testing.T, s *server, user, answer string, mic sound) *phone {
	t.Helper()
	p := runPhone(t, "<sip:"+user+"@"+s.sip+";transport=udp>;regint=600;answermode="+answer, mic)
	p.awaitPrinted(t, 10*time.Second, "200 OK")
	return p
}

// runPhone runs a phone with an account as baresip writes it.
func runPhone(t *testing.T, account string, mic sound) *phone {
	t.Helper()
	p := &phone{dir: t.TempDir()}
	mic.padded(micLength).write(t, filepath.Join(p.dir, "mic.wav"))
	control := freeAddr(t)
	files := map[string]string{
		"config":   fmt.Sprintf(phoneConfig, p.dir, mediaPorts(), baresipModules(t), control),
		"accounts": account + ";audio_codecs=PCMU,PCMA;ptime=20\n",
		"contacts": "",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.process = start(t, "baresip", exec.Command("baresip", "-4", "-f", p.dir), nil)
	// A real phone has a processor of its own. Only root may say so; others go without.
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, p.cmd.Process.Pid, -10)
	p.awaitPrinted(t, 10*time.Second, "baresip is ready")
	eventually(t, 5*time.Second, "the phone's control socket", func() bool {
		conn, err := net.Dial("tcp", control)
		p.conn = conn
		return err == nil
	})
	t.Cleanup(func() { p.conn.Close() })
	go p.listen()
	return p
}

// baresipModules is where Debian has them, on whichever architecture.
func baresipModules(t *testing.T) string {
	t.Helper()
	for _, pattern := range []string{"/usr/lib/baresip/modules", "/usr/lib/*/baresip/modules", "/usr/local/lib/baresip/modules"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[0]
		}
	}
	t.Fatal("baresip has no modules; run 'make test', which installs them")
	return ""
}

// listen takes in what baresip tells, as netstrings of JSON.
func (p *phone) listen() {
	in := bufio.NewReader(p.conn)
	for {
		size, err := in.ReadString(':')
		n, bad := strconv.Atoi(strings.TrimSuffix(size, ":"))
		if err != nil || bad != nil || n < 0 {
			return
		}
		body := make([]byte, n+1) // and its comma
		if _, err := io.ReadFull(in, body); err != nil {
			return
		}
		var e phoneEvent
		if json.Unmarshal(body[:n], &e) == nil && e.Event {
			p.mu.Lock()
			p.events = append(p.events, e)
			p.mu.Unlock()
		}
	}
}

// tell gives baresip a command.
func (p *phone) tell(t *testing.T, command, params string) {
	t.Helper()
	b, _ := json.Marshal(map[string]string{"command": command, "params": params})
	if _, err := fmt.Fprintf(p.conn, "%d:%s,", len(b), b); err != nil {
		t.Fatalf("tell the phone to %s: %v", command, err)
	}
}

// await gives the next event of this type, not given before.
func (p *phone) await(t *testing.T, kind string, within time.Duration) phoneEvent {
	t.Helper()
	var found phoneEvent
	eventually(t, within, "the phone's "+kind, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		for i := range p.events {
			if e := &p.events[i]; e.Type == kind && !e.taken {
				e.taken, found = true, *e
				return true
			}
		}
		return false
	})
	return found
}

// dial calls a user at a host:port.
func (p *phone) dial(t *testing.T, user, at string) {
	t.Helper()
	p.tell(t, "dial", "sip:"+user+"@"+at)
}

// press sends digits by RFC 4733, 180 ms each, 60 ms apart.
func (p *phone) press(t *testing.T, digits string) { t.Helper(); p.tell(t, "sndcode", digits) }

// pickUp answers the call that rings, once it does.
func (p *phone) pickUp(t *testing.T) {
	t.Helper()
	p.await(t, "CALL_INCOMING", 10*time.Second)
	p.tell(t, "accept", "")
}

// hangUp ends the call. One that rings is refused as by somebody busy.
func (p *phone) hangUp(t *testing.T) { t.Helper(); p.tell(t, "hangup", "") }

// heard ends the phone and gives the sound of its (only) call.
func (p *phone) heard(t *testing.T) sound {
	t.Helper()
	p.signal(t, syscall.SIGTERM) // it closes its files
	p.exit(t, 10*time.Second)
	found, _ := filepath.Glob(filepath.Join(p.dir, "dump-*-dec.wav"))
	if len(found) != 1 {
		t.Fatalf("the phone has %d recordings", len(found))
	}
	return readSound(t, found[0])
}
