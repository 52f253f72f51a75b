package acs

import "time"

// StartRecordingRequest starts a recording. POST /calling/recordings.
type StartRecordingRequest struct {
	CallLocator      *CallLocator      `json:"callLocator"`
	CallConnectionID string            `json:"callConnectionId"`
	CallbackURI      string            `json:"recordingStateCallbackUri"`
	ContentType      string            `json:"recordingContentType"` // audio, audioVideo
	ChannelType      string            `json:"recordingChannelType"` // mixed, unmixed
	FormatType       string            `json:"recordingFormatType"`  // wav, mp3, mp4
	Ordering         []Identifier      `json:"audioChannelParticipantOrdering"`
	ChannelAffinity  []ChannelAffinity `json:"channelAffinity"`
	PauseOnStart     bool              `json:"pauseOnStart"`
	ExternalStorage  *RecordingStorage `json:"externalStorage"`
}

// The words of StartRecordingRequest.
var (
	RecordingContentTypes = []string{"audio", "audioVideo"}
	RecordingFormatTypes  = []string{"wav", "mp3", "mp4"}
	LocatorKinds          = []string{"serverCallLocator", LocatorGroup, LocatorRoom}
	StorageKinds          = []string{"azureCommunicationServices", "azureBlobStorage"}
)

// The kinds of locators that do not name a call by its serverCallId.
const (
	LocatorGroup = "groupCallLocator"
	LocatorRoom  = "roomCallLocator"
)

// A CallLocator names a call in one of three ways.
type CallLocator struct {
	Kind         string `json:"kind"`
	ServerCallID string `json:"serverCallId"`
	GroupCallID  string `json:"groupCallId"`
	RoomID       string `json:"roomId"`
}

// MaxChannel is the highest channel that ChannelAffinity may name.
const MaxChannel = 4

// A ChannelAffinity gives a channel of the recording to a participant.
type ChannelAffinity struct {
	Channel     *int        `json:"channel"` // 0 to MaxChannel
	Participant *Identifier `json:"participant"`
}

// RecordingStorage says where a recording is put.
type RecordingStorage struct {
	Kind         string `json:"recordingStorageKind"`
	ContainerURL string `json:"recordingDestinationContainerUrl"`
}

// RecordingStateResponse is a recording as an application sees it.
type RecordingStateResponse struct {
	RecordingID    string `json:"recordingId"`
	RecordingState string `json:"recordingState"` // active, inactive
	RecordingKind  string `json:"recordingKind"`
}

// The words of RecordingStateResponse and of the event.
const (
	RecordingActive   = "active"
	RecordingInactive = "inactive"
	RecordingKind     = "azureCommunicationServices"
)

// RecordingMetadata describes one file of a recording. Durations are in
// milliseconds. The service writes the channel type into contentType and the
// content type into channelType, and so do we: readers expect it.
type RecordingMetadata struct {
	ResourceID           string                 `json:"resourceId"`
	CallID               string                 `json:"callId"`
	ChunkDocumentID      string                 `json:"chunkDocumentId"`
	ChunkIndex           int                    `json:"chunkIndex"`
	ChunkStartTime       time.Time              `json:"chunkStartTime"`
	ChunkDuration        int64                  `json:"chunkDuration"`
	PauseResumeIntervals []RecordingPause       `json:"pauseResumeIntervals"`
	RecordingInfo        RecordingInfo          `json:"recordingInfo"`
	Participants         []RecordingParticipant `json:"participants"`
}

// A RecordingPause is a time that was not recorded.
type RecordingPause struct {
	StartTime time.Time `json:"startTime"`
	Duration  int64     `json:"duration"`
}

// RecordingInfo is the format of a file.
type RecordingInfo struct {
	ContentType string             `json:"contentType"` // mixed, unmixed
	ChannelType string             `json:"channelType"` // audio
	Format      string             `json:"format"`      // wav, mp3
	Audio       AudioConfiguration `json:"audioConfiguration"`
}

// AudioConfiguration is the sound of a file; BitRate in bits a second.
type AudioConfiguration struct {
	SampleRate int `json:"sampleRate"`
	BitRate    int `json:"bitRate"`
	Channels   int `json:"channels"`
}

// A RecordingParticipant was recorded; Channel is the one of an unmixed file.
type RecordingParticipant struct {
	ParticipantID string `json:"participantId"`
	Channel       *int   `json:"channel,omitempty"`
}
