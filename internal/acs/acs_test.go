package acs_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/acs"
)

func TestIdentifiersBothWays(t *testing.T) {
	for rawID, want := range map[string]string{
		"4:+15550100": `{"kind":"phoneNumber","rawId":"4:+15550100","phoneNumber":{"value":"+15550100"}}`,
		"4:anonymous": `{"kind":"phoneNumber","rawId":"4:anonymous","phoneNumber":{"value":"anonymous","isAnonymous":true}}`,
		"8:acs:alice": `{"kind":"communicationUser","rawId":"8:acs:alice","communicationUser":{"id":"8:acs:alice"}}`,
		"28:orgid:x":  `{"kind":"unknown","rawId":"28:orgid:x"}`,
		"4:":          `{"kind":"unknown","rawId":"4:"}`,
	} {
		who := acs.Identify(rawID)
		got, err := json.Marshal(who)
		if err != nil || string(got) != want {
			t.Errorf("Identify(%q) is %s, %v; want %s", rawID, got, err, want)
		}
		if id, err := who.ID(); err != nil || id != rawID {
			t.Errorf("and back: %q, %v", id, err)
		}
	}
}

func TestTheVariantDecidesWhoIsMeant(t *testing.T) {
	for text, want := range map[string]string{
		`{"rawId":"4:+14255550123","phoneNumber":{"value":"+14255550123","isAnonymous":false}}`: "4:+14255550123",
		`{"kind":"communicationUser","phoneNumber":{"value":"+1"}}`:                             "4:+1",
		`{"communicationUser":{"id":"8:acs:a_b"}}`:                                              "8:acs:a_b",
		`{"rawId":"8:acs:alice"}`:                                                               "8:acs:alice",
		`{"microsoftTeamsUser":{"userId":"u"}}`:                                                 "8:orgid:u",
		`{"microsoftTeamsUser":{"userId":"u","cloud":"gcch"}}`:                                  "8:gcch:u",
		`{"microsoftTeamsUser":{"userId":"u","isAnonymous":true}}`:                              "8:teamsvisitor:u",
		`{"microsoftTeamsApp":{"appId":"a","cloud":"public"}}`:                                  "28:orgid:a",
		`{"teamsExtensionUser":{"userId":"u","tenantId":"t","resourceId":"r"}}`:                 "8:acs:r_t_u",
		`{"teamsExtensionUser":{"userId":"u","tenantId":"t","resourceId":"r","cloud":"dod"}}`:   "8:dod-acs:r_t_u",
		`{}`:                                "",
		`{"kind":"phoneNumber"}`:            "",
		`{"rawId":"4:+1","phoneNumber":{}}`: "",
		`{"communicationUser":{"id":""}}`:   "",
		`{"phoneNumber":{"value":"+1"},"communicationUser":{"id":"8:acs:a"}}`: "",
	} {
		var who acs.Identifier
		if err := json.Unmarshal([]byte(text), &who); err != nil {
			t.Fatal(err)
		}
		if id, err := who.ID(); id != want || (err == nil) != (want != "") {
			t.Errorf("%s is %q, %v; want %q", text, id, err, want)
		}
	}
}

func TestTonesBothWays(t *testing.T) {
	for i, name := range []string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "asterisk", "pound", "a", "b", "c", "d"} {
		key := "0123456789*#ABCD"[i]
		if got := acs.ToneOf(key); got != name {
			t.Errorf("ToneOf(%c) = %q", key, got)
		}
		for _, spelling := range []string{name, strings.ToUpper(name)} {
			if got, err := acs.Symbol(spelling); err != nil || got != key {
				t.Errorf("Symbol(%q) = %c, %v", spelling, got, err)
			}
		}
	}
	if got := acs.TonesOf("56#x"); !slices.Equal(got, []string{"five", "six", "pound"}) {
		t.Error(got)
	}
	if got := acs.TonesOf(""); got == nil || len(got) != 0 {
		t.Error("no digits must be an empty list, not null")
	}
	for _, bad := range []string{"", "5", "star", "hash"} {
		if _, err := acs.Symbol(bad); err == nil || !strings.Contains(err.Error(), "asterisk") {
			t.Errorf("Symbol(%q): %v; want an error that lists what is allowed", bad, err)
		}
	}
}

func TestTimesAreSpelledAsRecorded(t *testing.T) {
	at := time.Date(2026, 9, 15, 13, 36, 7, 993_757_400, time.FixedZone("", 2*3600))
	if got := acs.CloudTime(at); got != "2026-09-15T11:36:07.9937574+00:00" {
		t.Error(got)
	}
	if got := acs.GridTime(at); got != "2026-09-15T11:36:07.9937574Z" {
		t.Error(got)
	}
}

func TestRecordingMetadataIsSpelledAsRecorded(t *testing.T) {
	channel := 0
	at := time.Date(2026, 9, 15, 11, 36, 7, 0, time.UTC)
	got, err := json.Marshal(acs.RecordingMetadata{
		ResourceID: "r", CallID: "c", ChunkDocumentID: "d", ChunkStartTime: at, ChunkDuration: 19320,
		PauseResumeIntervals: []acs.RecordingPause{{StartTime: at, Duration: 5220}},
		RecordingInfo: acs.RecordingInfo{ContentType: "unmixed", ChannelType: "audio", Format: "wav",
			Audio: acs.AudioConfiguration{SampleRate: 16000, BitRate: 512000, Channels: 2}},
		Participants: []acs.RecordingParticipant{{ParticipantID: "4:+15550100", Channel: &channel}, {ParticipantID: "8:acs:alice"}},
	})
	want := `{"resourceId":"r","callId":"c","chunkDocumentId":"d","chunkIndex":0,"chunkStartTime":"2026-09-15T11:36:07Z","chunkDuration":19320,` +
		`"pauseResumeIntervals":[{"startTime":"2026-09-15T11:36:07Z","duration":5220}],` +
		`"recordingInfo":{"contentType":"unmixed","channelType":"audio","format":"wav","audioConfiguration":{"sampleRate":16000,"bitRate":512000,"channels":2}},` +
		`"participants":[{"participantId":"4:+15550100","channel":0},{"participantId":"8:acs:alice"}]}`
	if err != nil || string(got) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
}

func TestTheServicesOwnSpellingIsKept(t *testing.T) {
	if acs.ResultCanceled != (acs.Result{Code: 400, SubCode: 8508, Message: "Action falied, the operation was cancelled."}) {
		t.Error(acs.ResultCanceled)
	}
}

func FuzzIdentifier(f *testing.F) {
	f.Add([]byte(`{"rawId":"4:+1","phoneNumber":{"value":"+1"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var who acs.Identifier
		if json.Unmarshal(text, &who) != nil {
			return
		}
		id, err := who.ID()
		if (id == "") == (err == nil) {
			t.Fatalf("%s: %q, %v", text, id, err)
		}
		if again, err := acs.Identify(id).ID(); id != "" && (err != nil || again != id) {
			t.Fatalf("%q became %q, %v", id, again, err)
		}
	})
}
