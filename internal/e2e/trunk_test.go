package e2e_test

import (
	"testing"
	"time"
)

// TestTwoServers: one is the trunk of the other, which registers there with its
// password. A call crosses both, to a telephone that the far one's app redirects
// it to, and back the other way.
func TestTwoServers(t *testing.T) {
	far := startWorld(t, "--user=house:secret", "--user=bob:secret")
	near := startWorld(t, "--trunk=sip:house:secret@"+far.sip+";register")
	dan := startAccountAt(t, far.server, "bob", "secret", hum(8000, bobHz, time.Minute))
	eventually(t, 10*time.Second, "the registration", func() bool { return near.counted(t, "tipring_sip_trunk_registered", "") == 1 })

	call := near.create(t, phoneNumber(number), "out")
	incoming := far.await(t, "IncomingCall", 10*time.Second, nil)
	if incoming.text("to.rawId") != "4:"+number || incoming.text("from.rawId") != "8:acs:house" {
		t.Errorf("the trunk is called by %s for %s", incoming.text("from.rawId"), incoming.text("to.rawId"))
	}
	far.must(t, "client", "", "redirectCall", incoming.text("incomingCallContext"), invite(bob))
	near.up(t, call)
	near.loop(t, call, musicHz)
	dan.catches(t, "bob", musicHz)
	dan.hangUp(t)
	near.over(t, call, "540000")

	back := far.create(t, user("8:acs:house"), "back")
	near.answer(t, "back")
	far.up(t, back)
	far.hangs(t, back)
	near.await(t, "CallDisconnected", 10*time.Second, inContext("back"))
}

// startAccountAt runs a phone that registers with a password, and answers.
func startAccountAt(t *testing.T, s *server, name, password string, mic sound) *phone {
	t.Helper()
	p := runPhone(t, "<sip:"+name+"@"+s.sip+";transport=udp>;regint=600;answermode=auto;auth_user="+name+";auth_pass="+password, mic)
	p.awaitPrinted(t, 10*time.Second, "200 OK")
	return p
}
