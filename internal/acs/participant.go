package acs

import "encoding/json"

// CallParticipant is one party of a call.
type CallParticipant struct {
	Identifier Identifier `json:"identifier"`
	IsMuted    bool       `json:"isMuted"`
	IsOnHold   bool       `json:"isOnHold"`
}

// ParticipantsResponse lists the parties of a call, a page at a time. GET
// …/participants.
type ParticipantsResponse struct {
	Value    []CallParticipant `json:"value"`
	NextLink string            `json:"nextLink,omitempty"` // absolute; none on the last page
}

// MaxParticipants is how many a call, and so a list of them, may have.
const MaxParticipants = 350

// PageSize is how many participants a page lists.
const PageSize = 30

// AddParticipantRequest invites somebody into a call. POST …/participants:add.
type AddParticipantRequest struct {
	Participant       *Identifier     `json:"participantToAdd"`
	InvitationID      string          `json:"invitationId"` // ours to make, where it is empty
	CallerID          *PhoneNumber    `json:"sourceCallerIdNumber"`
	SourceDisplayName string          `json:"sourceDisplayName"`
	Timeout           *int            `json:"invitationTimeoutInSeconds"` // 0 to MaxInvitation
	Custom            *CallingContext `json:"customCallingContext"`
	Operation
}

// MaxInvitation is how many seconds an invitation may ring.
const MaxInvitation = 180

// AddParticipantResponse is the answer to it.
type AddParticipantResponse struct {
	Participant      CallParticipant `json:"participant"`
	OperationContext string          `json:"operationContext,omitempty"`
	InvitationID     string          `json:"invitationId"`
}

// CancelAddRequest takes an invitation back. POST
// …/participants:cancelAddParticipant.
type CancelAddRequest struct {
	InvitationID string `json:"invitationId"`
	Operation
}

// CancelAddResponse is the answer to it.
type CancelAddResponse struct {
	InvitationID     string `json:"invitationId"`
	OperationContext string `json:"operationContext,omitempty"`
}

// RemoveParticipantRequest takes somebody out of a call. POST
// …/participants:remove.
type RemoveParticipantRequest struct {
	Participant *Identifier `json:"participantToRemove"`
	Operation
}

// MuteRequest silences participants, or lets them be heard again. POST
// …/participants:mute, :unmute. Its events have no callback of their own.
type MuteRequest struct {
	Targets          []Identifier `json:"targetParticipants"`
	OperationContext string       `json:"operationContext"`
}

// MoveRequest takes participants out of another call into this one. POST
// …/participants:moveHere.
type MoveRequest struct {
	Targets  []Identifier `json:"targetParticipants"`
	FromCall string       `json:"fromCall"` // callConnectionId
	Operation
}

// MoveResponse is the answer to it: who is to be moved.
type MoveResponse struct {
	Participants     []CallParticipant `json:"participants"`
	OperationContext string            `json:"operationContext,omitempty"`
	FromCall         string            `json:"fromCall"`
}

// OperationResponse is the answer to an operation whose end is an event.
type OperationResponse struct {
	OperationContext string `json:"operationContext,omitempty"`
}

// CallingContext is the headers that a request sends along with a call: SIP
// headers by their full names, VoIP headers by any.
type CallingContext struct {
	SIPHeaders   map[string]string `json:"sipHeaders"`
	VoIPHeaders  map[string]string `json:"voipHeaders"`
	TeamsDetails json.RawMessage   `json:"teamsPhoneCallDetails"`
}

// The limits of a CallingContext. Lengths are in characters; a SIP header's
// name counts with its prefix.
const (
	MaxSIPHeaders  = 5
	MaxSIPValue    = 256
	MaxVoIPHeaders = 1000
	MaxVoIPValue   = 1024
	MaxHeaderName  = 64
)

// The names that a SIP header of a CallingContext may have, in any case: this
// one, and those that begin with a prefix.
const (
	UserToUser   = "User-To-User"
	HeaderPrefix = "X-"
	CustomPrefix = "X-MS-Custom-" // the one that Azure knows
)

// VoIPPrefix begins the SIP headers that carry the VoIP headers of a call to
// and from users.
const VoIPPrefix = "X-MS-VoIP-"
