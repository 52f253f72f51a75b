package e2e_test

import (
	"errors"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/acs/acstest"
)

func TestCallerHangsUp(t *testing.T) {
	w := startWorld(t)
	p, call := speak(t, w)
	w.must(t, "media", call, "playToAll", []any{w.prompt(t, "long.wav", tone(8000, 440, time.Minute))}, map[string]any{"operationContext": "cut"})
	w.await(t, "PlayStarted", 5*time.Second, inContext("cut"))
	p.hangUp(t)
	w.await(t, "PlayCanceled", 5*time.Second, inContext("cut"))
	end := w.await(t, "CallDisconnected", 5*time.Second, of(call))
	if end.text("resultInformation.code") != "200" || end.text("resultInformation.subCode") != "540000" {
		t.Errorf("CallDisconnected says %v", end.get("resultInformation"))
	}
	checkOrder(t, w.app, call)
	w.refused(t, 404, "8522", "connection", call, "hangUp", true)
}

// TestCallerVanishes: the phone loses its network in mid-call, and says nothing
// any more.
func TestCallerVanishes(t *testing.T) {
	w := startWorld(t, "--media-timeout=1s")
	p, call := speak(t, w)
	p.kill()
	end := w.await(t, "CallDisconnected", 10*time.Second, of(call))
	if end.text("resultInformation.subCode") != "560000" {
		t.Errorf("CallDisconnected says %v", end.get("resultInformation"))
	}
}

// TestCallerGivesUp: CANCEL while it rings gets 487, and the call cannot be
// answered any more.
func TestCallerGivesUp(t *testing.T) {
	w := startWorld(t)
	startCallers(t, w.server, "cancel", calls{hold: 300 * time.Millisecond}).wait(t, 15*time.Second)
	incoming := w.await(t, "IncomingCall", 5*time.Second, nil)
	_, err := w.do(t, "client", "", "answerCall", incoming.text("incomingCallContext"), w.callback())
	if err == nil || err.StatusCode < 400 || err.StatusCode > 499 {
		t.Errorf("a call whose caller gave up was answered: %v", err)
	}
}

// TestReject: each reason has its SIP status.
func TestReject(t *testing.T) {
	w := startWorld(t)
	for reason, status := range map[string]int{"none": 603, "busy": 486, "forbidden": 403} {
		t.Run(reason, func(t *testing.T) {
			c := startCallers(t, w.server, "rejected", calls{status: status})
			incoming := w.await(t, "IncomingCall", 10*time.Second, nil)
			w.must(t, "client", "", "rejectCall", incoming.text("incomingCallContext"), map[string]any{"callRejectReason": reason})
			c.wait(t, 15*time.Second)
		})
	}
}

// TestOneAnswerOnly: of two apps that answer a call, the second is told so.
func TestOneAnswerOnly(t *testing.T) {
	w := startWorld(t)
	p := startPhone(t, caller, silence(8000, time.Second))
	p.dial(t, called, w.sip)
	_, incoming := w.answer(t, "first")
	w.refused(t, 409, "8519", "client", "", "answerCall", incoming.text("incomingCallContext"), w.callback())
}

// TestServerHangsUp: sipp sees the BYE of hangUp and of terminate.
func TestServerHangsUp(t *testing.T) {
	w := startWorld(t)
	for _, forEveryone := range []bool{false, true} {
		c := startCallers(t, w.server, "hungup", calls{})
		call, _ := w.answer(t, "short")
		w.must(t, "connection", call, "hangUp", forEveryone)
		c.wait(t, 15*time.Second)
		w.await(t, "CallDisconnected", 5*time.Second, of(call))
	}
}

// TestShutdown: SIGTERM in mid-call refuses new calls, lets this one go on for
// a while, then ends it with BYE and its last event, and the process with 0.
func TestShutdown(t *testing.T) {
	w := startWorld(t, "--drain=2s")
	p, call := speak(t, w)
	w.signal(t, syscall.SIGTERM)
	w.awaitPrinted(t, 5*time.Second, "signal received")
	began := time.Now()
	eventually(t, 5*time.Second, "/healthz to say so", func() bool {
		status, text, err := get("http://" + w.http + "/healthz")
		return err == nil && status == 503 && text == "draining\n"
	})
	var refused *acstest.Refused
	if err := signing(t, w.server).Post(t.Context(), "/calling/callConnections", map[string]any{
		"callbackUri": w.callback(), "targets": []any{map[string]any{"kind": "communicationUser", "communicationUser": map[string]any{"id": "8:acs:bob"}}},
	}, nil); !errors.As(err, &refused) || refused.Status != 503 || refused.Code != "ServiceUnavailable" {
		t.Errorf("createCall: %v, want 503", err)
	}
	startCallers(t, w.server, "rejected", calls{status: 503}).wait(t, 15*time.Second)
	p.await(t, "CALL_CLOSED", 10*time.Second)
	if lasted := time.Since(began); lasted < 1500*time.Millisecond {
		t.Errorf("the call had %v of 2 s to end", lasted)
	}
	if code := w.exit(t, 15*time.Second); code != 0 {
		t.Errorf("exit status %d", code)
	}
	w.await(t, "CallDisconnected", time.Second, of(call))
	checkOrder(t, w.app, call)
}

// TestShutdownAtOnce: the second signal does not wait for the drain.
func TestShutdownAtOnce(t *testing.T) {
	w := startWorld(t, "--drain=5m")
	p, call := speak(t, w)
	w.signal(t, syscall.SIGINT)
	w.awaitPrinted(t, 5*time.Second, "signal received")
	w.signal(t, syscall.SIGINT)
	if code := w.exit(t, 15*time.Second); code != 0 {
		t.Errorf("exit status %d", code)
	}
	p.await(t, "CALL_CLOSED", 5*time.Second)
	w.await(t, "CallDisconnected", time.Second, of(call))
}

// TestPortTaken: the error names the flag.
func TestPortTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	free := []string{"--http=127.0.0.1:0", "--https=127.0.0.1:0", "--sip=127.0.0.1:0"}
	for _, flag := range []string{"--http=" + taken.Addr().String(), "--https=" + taken.Addr().String(), "--sip=" + udp.LocalAddr().String()} {
		name, addr, _ := strings.Cut(flag, "=")
		args := append([]string{"serve", "--data=" + t.TempDir()}, free...)
		p := start(t, "tipring", exec.Command(built(t, raceFlag), append(args, flag)...), nil)
		if code := p.exit(t, 10*time.Second); code != 1 || !strings.Contains(p.printed(), name) || !strings.Contains(p.printed(), addr) {
			t.Errorf("%s: status %d, %s", flag, code, p.printed())
		}
	}
}
