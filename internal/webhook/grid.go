package webhook

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/tipring/tipring/internal/acs"
	"github.com/tipring/tipring/internal/event"
)

// grid spells an event for the Event Grid subscribers. It is false for an event
// that they are not sent.
func grid(e event.Event, topic, public string) (acs.GridEvent, bool) {
	out := acs.GridEvent{ID: e.ID, Topic: topic, DataVersion: "1.0", MetadataVersion: "1", EventTime: acs.GridTime(e.Time)}
	switch b := e.Body.(type) {
	case event.IncomingCall:
		out.EventType = acs.EventPrefix + acs.TypeIncomingCall
		out.Subject = "/caller/" + b.From + "/recipient/" + b.To
		out.Data = acs.IncomingCall{
			To: acs.Identify(b.To), From: acs.Identify(b.From), ServerCallID: e.Call, CallerDisplayName: b.DisplayName,
			CustomContext: customContext(b.Headers), IncomingCallContext: b.Token, CorrelationID: e.Correlation,
		}
	case event.RecordingFileReady:
		out.EventType = acs.EventPrefix + acs.TypeRecordingFile
		out.Subject = "/recording/call/" + e.Call + "/recordingId/" + b.Recording
		out.Data = recordingFile(b, public)
	case event.CallStarted:
		out.EventType = acs.EventPrefix + acs.TypeCallStarted
		out.Subject = "call/" + e.Call + "/startedBy/" + b.StartedBy
		out.Data = gridCall(e, b.StartedBy, b.Group, b.Room, b.TwoParty)
	case event.CallEnded:
		out.EventType = acs.EventPrefix + acs.TypeCallEnded
		out.Subject = "call/" + e.Call
		out.Data = callEnded(b, gridCall(e, b.StartedBy, b.Group, b.Room, b.TwoParty))
	case event.ParticipantAdded:
		out.EventType = acs.EventPrefix + acs.TypeParticipantAdded
		out.Subject = "call/" + e.Call + "/participant/" + b.Participant
		out.Data = gridChanged(b.Participant, b.Display, gridCall(e, b.StartedBy, b.Group, b.Room, b.TwoParty))
	case event.ParticipantRemoved:
		out.EventType = acs.EventPrefix + acs.TypeParticipantRemoved
		out.Subject = "call/" + e.Call + "/participant/" + b.Participant
		out.Data = gridChanged(b.Participant, b.Display, gridCall(e, b.StartedBy, b.Group, b.Room, b.TwoParty))
	default:
		return out, false
	}
	return out, true
}

func gridCall(e event.Event, startedBy, group, room string, twoParty bool) acs.GridCall {
	c := acs.GridCall{
		StartedBy: acs.GridIdentify(startedBy), ServerCallID: e.Call, CorrelationID: e.Correlation,
		IsTwoParty: twoParty, IsRoomsCall: room != "",
	}
	if group != "" {
		c.Group = &acs.GridID{ID: group}
	}
	if room != "" {
		c.Room = &acs.GridID{ID: room}
	}
	return c
}

func callEnded(b event.CallEnded, c acs.GridCall) acs.CallEnded {
	why, seconds := endResult(b.Reason), b.Duration.Seconds()
	out := acs.CallEnded{
		DurationOfCall: seconds, CallDurationInSeconds: seconds, GridCall: c,
		Reason: acs.GridReason{Code: why.Code, SubCode: why.SubCode, Phrase: why.Message},
	}
	if b.EndedBy != "" {
		out.EndedBy = &acs.GridEndedBy{CommunicationIdentifier: acs.Identify(b.EndedBy), Type: acs.GridParticipantKind}
	}
	return out
}

func gridChanged(who, display string, c acs.GridCall) acs.CallParticipantChanged {
	return acs.CallParticipantChanged{User: acs.GridIdentify(who), DisplayName: display, ParticipantID: who, GridCall: c}
}

// customContext sorts the headers of an INVITE: VoIP headers came by SIP too,
// behind a prefix. Names that apps look for get the spelling they know.
func customContext(headers map[string]string) acs.CustomContext {
	c := acs.CustomContext{SIPHeaders: make(map[string]string, len(headers)), VoIPHeaders: map[string]string{}}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		value := headers[name]
		switch {
		case strings.EqualFold(name, acs.UserToUser):
			c.SIPHeaders["userToUser"] = value
		case hasPrefix(name, acs.VoIPPrefix):
			c.VoIPHeaders[name[len(acs.VoIPPrefix):]] = value
		case hasPrefix(name, acs.CustomPrefix):
			c.SIPHeaders[acs.CustomPrefix+name[len(acs.CustomPrefix):]] = value
		default:
			c.SIPHeaders[name] = value
		}
	}
	return c
}

// hasPrefix is true for a name that goes on behind the prefix, in any case: SIP
// does not tell cases apart.
func hasPrefix(name, prefix string) bool {
	return len(name) > len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
}

func recordingFile(b event.RecordingFileReady, public string) acs.RecordingFile {
	file := acs.RecordingFile{
		StartTime: acs.GridTime(b.Started), DurationMS: b.Duration.Milliseconds(), SessionEndReason: b.EndReason,
		ContentType: "Audio", ChannelType: capital(b.Channel), FormatType: capital(b.Format),
		StorageInfo: acs.RecordingStorageInfo{Chunks: make([]acs.RecordingChunk, 0, len(b.Chunks))},
	}
	for _, c := range b.Chunks {
		object := strings.TrimSuffix(public, "/") + "/v1/objects/" + url.PathEscape(c.Document)
		file.StorageInfo.Chunks = append(file.StorageInfo.Chunks, acs.RecordingChunk{
			DocumentID: c.Document, Index: c.Index, EndReason: c.EndReason,
			ContentLocation: object + "/content/audio", MetadataLocation: object + "/content/acsmetadata", DeleteLocation: object,
		})
	}
	return file
}

// capital writes a word of the API as Event Grid does: "unmixed" is "Unmixed".
func capital(word string) string {
	if word == "" {
		return ""
	}
	return strings.ToUpper(word[:1]) + word[1:]
}
