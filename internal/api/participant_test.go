package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tipring/tipring/internal/acs"
	"github.com/tipring/tipring/internal/call"
	"github.com/tipring/tipring/internal/event"
)

func TestOperationsAnswerWhatTheSDKParses(t *testing.T) {
	const phone = `{"kind":"phoneNumber","rawId":"4:+1","phoneNumber":{"value":"+1"}}`
	const them = `{"identifier":` + phone + `,"isMuted":false,"isOnHold":false}`
	for _, c := range []struct{ path, body, want string }{
		{"/callConnections", `{"targets":[` + who + `],"callbackUri":"http://a/","sourceCallerIdNumber":{"value":"+2"},"source":{"id":"8:acs:bot"},"sourceDisplayName":"Bot"}`,
			`{"callConnectionId":"conn-1","correlationId":"corr-1","callConnectionState":"connecting","callbackUri":"http://localhost:9/cb","targets":[` + phone + `],` +
				`"source":{"kind":"communicationUser","rawId":"8:acs:bot","communicationUser":{"id":"8:acs:bot"}},"sourceCallerIdNumber":{"value":"+2"},"sourceDisplayName":"Bot"}`},
		{"/callConnections", `{"targets":[` + who + `],"callbackUri":"http://a/"}`,
			`{"callConnectionId":"conn-1","correlationId":"corr-1","callConnectionState":"connecting","callbackUri":"http://localhost:9/cb","targets":[` + phone + `],"sourceDisplayName":""}`},
		{conn + ":transferToParticipant", `{"targetParticipant":` + who + `,"operationContext":"c"}`, `{"operationContext":"c"}`},
		{conn + "/participants:add", `{"participantToAdd":` + who + `,"invitationId":"i","operationContext":"c"}`, `{"participant":` + them + `,"operationContext":"c","invitationId":"i"}`},
		{conn + "/participants:cancelAddParticipant", `{"invitationId":"i","operationContext":"c"}`, `{"invitationId":"i","operationContext":"c"}`},
		{conn + "/participants:remove", `{"participantToRemove":` + who + `,"operationContext":"c"}`, `{"operationContext":"c"}`},
		{conn + "/participants:mute", `{"targetParticipants":[` + who + `],"operationContext":"c"}`, `{"operationContext":"c"}`},
		{conn + "/participants:unmute", `{"targetParticipants":[` + who + `]}`, `{}`},
		{conn + "/participants:moveHere", `{"targetParticipants":[` + who + `],"operationContext":"c","fromCall":"f"}`, `{"participants":[` + them + `],"operationContext":"c","fromCall":"f"}`},
		{conn + ":sendDtmfTones", `{"tones":["one"],"targetParticipant":` + who + `,"operationContext":"c"}`, `{"operationContext":"c"}`},
		{conn + ":hold", `{"targetParticipant":` + who + `}`, ``},
		{conn + ":unhold", `{"targetParticipant":` + who + `}`, ``},
		{conn + ":play", `{"playSources":[{"kind":"file","file":{"uri":"http://a/"}}]}`, ``},
	} {
		s := newServer()
		w := s.post(c.path, c.body)
		if w.Body.String() != c.want {
			t.Errorf("%s: %d %s\nwant %s", c.path, w.Code, w.Body, c.want)
		}
		if w.Header().Get("X-Microsoft-Skype-Chain-ID") != "corr-1" {
			t.Errorf("%s lacks the chain id", c.path)
		}
	}
}

func TestAnInvitationGetsAnIDThatCancelsIt(t *testing.T) {
	s := newServer()
	ids := map[string]bool{}
	for range 3 {
		var answer acs.AddParticipantResponse
		w := s.post(conn+"/participants:add", `{"participantToAdd":`+who+`}`)
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusAccepted {
			t.Fatal(w.Code, w.Body)
		}
		if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(answer.InvitationID) {
			t.Errorf("the invitation is %q", answer.InvitationID)
		}
		if sent := s.calls.asked[len(s.calls.asked)-1].(call.Add).Invitation; sent != answer.InvitationID {
			t.Errorf("the call was told %q, the app %q", sent, answer.InvitationID)
		}
		ids[answer.InvitationID] = true
	}
	if len(ids) != 3 {
		t.Errorf("ids repeat: %v", ids)
	}
}

// pages follows the links of a list as the SDK does, and says who was on each
// page.
func pages(t *testing.T, s *server, between func(page int)) [][]string {
	t.Helper()
	var all [][]string
	target := "/calling" + conn + "/participants?api-version=2026-03-12"
	for target != "" {
		w := s.do(signed("GET", target, ""))
		var answer acs.ParticipantsResponse
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
			t.Fatal(w.Code, w.Body)
		}
		var ids []string
		for _, p := range answer.Value {
			ids = append(ids, p.Identifier.RawID)
		}
		all = append(all, ids)
		if target = answer.NextLink; target == "" {
			break
		}
		link, err := url.Parse(target)
		if err != nil || link.Scheme != "http" || link.Host != host || link.Query().Get("api-version") != "2026-03-12" {
			t.Fatalf("the link is %q", target)
		}
		target = link.RequestURI()
		between(len(all))
	}
	return all
}

func crowd(n int) []event.Participant {
	list := make([]event.Participant, n)
	for i := range list {
		list[i].ID = fmt.Sprintf("8:acs:%03d é+/=&", i)
	}
	return list
}

func TestAListComesInPages(t *testing.T) {
	for n, want := range map[int][]int{0: {0}, 1: {1}, 30: {30}, 31: {30, 1}, 60: {30, 30}, 95: {30, 30, 30, 5}} {
		s := newServer()
		s.calls.list = crowd(n)
		var sizes []int
		var all []string
		for _, ids := range pages(t, s, func(int) {}) {
			sizes = append(sizes, len(ids))
			all = append(all, ids...)
		}
		if !slices.Equal(sizes, want) || len(all) != n || !slices.IsSorted(all) {
			t.Errorf("%d participants came in pages of %v, want %v", n, sizes, want)
		}
	}
}

func TestNobodyIsMissedWhenOthersLeaveBetweenPages(t *testing.T) {
	for name, leaving := range map[string]int{"the first": 0, "the last of the page": 29, "one to come": 40} {
		s := newServer()
		s.calls.list = crowd(70)
		gone := s.calls.list[leaving].ID
		var all []string
		for _, ids := range pages(t, s, func(page int) {
			if page == 1 {
				s.calls.list = slices.Delete(slices.Clone(s.calls.list), leaving, leaving+1)
			}
		}) {
			all = append(all, ids...)
		}
		for _, p := range crowd(70) {
			if n := strings.Count(strings.Join(all, "\n")+"\n", p.ID+"\n"); n != 1 && p.ID != gone {
				t.Errorf("%s leaves: %s is listed %d times", name, p.ID, n)
			}
		}
	}
}

func TestALinkFitsHowTheServerWasReached(t *testing.T) {
	s := newServer()
	s.calls.list = crowd(31)
	w := s.do(signed("GET", "/calling"+conn+"/participants", "", func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https") }))
	var answer acs.ParticipantsResponse
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || !strings.HasPrefix(answer.NextLink, "https://"+host+"/calling"+conn+"/participants?skipToken=") {
		t.Errorf("behind TLS the link is %q", answer.NextLink)
	}
	for _, token := range []string{"x", "!!", "MTIz", "LTEgOA", "OTk5OTk5OTk5OTk5OTk5OTk5OTkgYQ"} {
		w := s.do(signed("GET", "/calling"+conn+"/participants?skipToken="+token, ""))
		if e := problem(t, w); w.Code != 400 || e.Code != "8523" || e.Target != "skipToken" {
			t.Errorf("skipToken %q: %d %s", token, w.Code, w.Body)
		}
	}
	if w := s.do(signed("GET", "/calling"+conn+"/participants?skipToken=OTk5IDg", "")); w.Body.String() != `{"value":[]}` {
		t.Errorf("behind the end: %d %s", w.Code, w.Body)
	}
}

func TestTheLimitsOfCustomContext(t *testing.T) {
	many := func(n int, prefix, value string) map[string]string {
		m := map[string]string{}
		for i := range n {
			m[prefix+fmt.Sprint(i)] = value
		}
		return m
	}
	long := strings.Repeat
	for _, c := range []struct {
		name      string
		sip, voip map[string]string
		field     string // empty: it passes
	}{
		{"what may be", map[string]string{"User-To-User": "uui;encoding=hex", "x-ms-custom-K": "ü", "X-k": ""}, map[string]string{"k": "v", "a b:": "ü"}, ""},
		{"5 SIP headers", many(5, "X-", long("v", 256)), nil, ""},
		{"6 SIP headers", many(6, "X-", "v"), nil, "sipHeaders"},
		{"1000 VoIP headers", nil, many(1000, "k", long("v", 1000)), ""},
		{"a VoIP value of 1024", nil, map[string]string{"k": long("ü", 1024)}, ""},
		{"1001 VoIP headers", nil, many(1001, "k", "v"), "voipHeaders"},
		{"a name of 64", map[string]string{"X-" + long("k", 62): "v"}, map[string]string{long("k", 64): "v"}, ""},
		{"a SIP name of 65", map[string]string{"X-" + long("k", 63): "v"}, nil, `sipHeaders["X-` + long("k", 63) + `"]`},
		{"a VoIP name of 65", nil, map[string]string{long("k", 65): "v"}, `voipHeaders["` + long("k", 65) + `"]`},
		{"a SIP value of 257", map[string]string{"X-k": long("v", 257)}, nil, `sipHeaders["X-k"]`},
		{"a VoIP value of 1025", nil, map[string]string{"k": long("v", 1025)}, `voipHeaders["k"]`},
		{"another SIP header", map[string]string{"From": "x"}, nil, `sipHeaders["From"]`},
		{"a prefix and no more", map[string]string{"X-": "x"}, nil, `sipHeaders["X-"]`},
		{"no name", nil, map[string]string{"": "v"}, `voipHeaders[""]`},
		{"a space in a SIP name", map[string]string{"X-a b": "v"}, nil, `sipHeaders["X-a b"]`},
		{"a colon in a SIP name", map[string]string{"X-a:b": "v"}, nil, `sipHeaders["X-a:b"]`},
		{"a letter beyond ASCII in a SIP name", map[string]string{"X-ü": "v"}, nil, `sipHeaders["X-ü"]`},
		{"a header in a SIP name", map[string]string{"X-a\r\nVia": "v"}, nil, `sipHeaders["X-a\r\nVia"]`},
		{"a header in a SIP value", map[string]string{"User-To-User": "v\r\nVia: evil"}, nil, `sipHeaders["User-To-User"]`},
		{"a line feed in a SIP value", map[string]string{"X-k": "v\nVia: evil"}, nil, `sipHeaders["X-k"]`},
		{"a NUL in a SIP value", map[string]string{"X-k": "\x00"}, nil, `sipHeaders["X-k"]`},
		{"a header in a VoIP value", nil, map[string]string{"k": "v\r\nVia: evil"}, `voipHeaders["k"]`},
		{"a header in a VoIP name", nil, map[string]string{"k\r\nVia: evil": "v"}, `voipHeaders["k\r\nVia: evil"]`},
	} {
		context, err := json.Marshal(map[string]any{"sipHeaders": c.sip, "voipHeaders": c.voip})
		if err != nil {
			t.Fatal(err)
		}
		for path, body := range map[string]string{
			conn + "/participants:add":      `{"participantToAdd":` + who + `,"customCallingContext":` + string(context) + `}`,
			conn + ":transferToParticipant": `{"targetParticipant":` + who + `,"customCallingContext":` + string(context) + `}`,
			"/callConnections":              `{"targets":[` + who + `],"callbackUri":"http://a/","customCallingContext":` + string(context) + `}`,
			"/callConnections:redirect":     `{"incomingCallContext":"X","target":` + who + `,"customCallingContext":` + string(context) + `}`,
		} {
			s := newServer()
			w := s.post(path, body)
			if c.field == "" {
				if w.Code >= 300 || len(s.calls.asked) != 1 {
					t.Errorf("%s, %s: %d %.300s", c.name, path, w.Code, w.Body)
				}
				continue
			}
			if e := problem(t, w); w.Code != 400 || e.Code != "8523" || e.Target != "customCallingContext."+c.field || len(s.calls.asked) > 0 {
				t.Errorf("%s, %s: %d %+v, want %q named", c.name, path, w.Code, e, c.field)
			}
		}
	}
}
