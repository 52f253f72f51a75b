package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/tipring/tipring/internal/acs"
	"github.com/tipring/tipring/internal/call"
)

func (a *api) record(ctx context.Context, x *exchange) (int, any, error) {
	cmd, err := recordCommand(x.body)
	if err != nil {
		return 0, nil, err
	}
	if p, err := a.Calls.Properties(ctx, cmd.Connection); err == nil && cmd.Connection != "" {
		x.chain = p.Correlation
	}
	state, err := a.Calls.Record(ctx, cmd)
	return http.StatusOK, spellRecording(state), err
}

func (a *api) recording(ctx context.Context, x *exchange) (int, any, error) {
	state, err := a.Calls.Recording(ctx, x.param("id"))
	return http.StatusOK, spellRecording(state), err
}

func (a *api) pauseRecording(ctx context.Context, x *exchange) (int, any, error) {
	return http.StatusAccepted, nil, a.Calls.PauseRecording(ctx, x.param("id"))
}

func (a *api) resumeRecording(ctx context.Context, x *exchange) (int, any, error) {
	return http.StatusAccepted, nil, a.Calls.ResumeRecording(ctx, x.param("id"))
}

func (a *api) stopRecording(ctx context.Context, x *exchange) (int, any, error) {
	return http.StatusNoContent, nil, a.Calls.StopRecording(ctx, x.param("id"))
}

func spellRecording(s call.RecordingState) acs.RecordingStateResponse {
	state := acs.RecordingInactive
	if s.Active {
		state = acs.RecordingActive
	}
	return acs.RecordingStateResponse{RecordingID: s.ID, RecordingState: state, RecordingKind: acs.RecordingKind}
}

func recordCommand(body []byte) (cmd call.Record, err error) {
	var q acs.StartRecordingRequest
	if err = decode(body, &q); err != nil {
		return cmd, err
	}
	cmd = call.Record{Connection: q.CallConnectionID, Callback: q.CallbackURI, PauseOnStart: q.PauseOnStart}
	if cmd.Connection == "" {
		if cmd.Call, err = locate(q.CallLocator); err != nil {
			return cmd, err
		}
	}
	if err = checkURL("recordingStateCallbackUri", q.CallbackURI, "http", "https"); err != nil {
		return cmd, err
	}
	if err = recordingFormat(&cmd, q); err != nil {
		return cmd, err
	}
	if err = storage(q.ExternalStorage); err != nil {
		return cmd, err
	}
	cmd.Channels, err = channels(q.Ordering, q.ChannelAffinity)
	return cmd, err
}

// locatorKind is the kind of a locator that must be there. Where none is said,
// a serverCallId is meant.
func locatorKind(l *acs.CallLocator) (string, error) {
	if l == nil {
		return "", missing("callLocator")
	}
	return oneOf("callLocator.kind", l.Kind, acs.LocatorKinds)
}

// locate is the serverCallId of a locator.
func locate(l *acs.CallLocator) (string, error) {
	kind, err := locatorKind(l)
	switch {
	case err != nil:
		return "", err
	case kind == acs.LocatorGroup || kind == acs.LocatorRoom:
		return "", unsupported("callLocator.kind", kind)
	case l.ServerCallID == "":
		return "", missing("callLocator.serverCallId")
	}
	return l.ServerCallID, nil
}

// recordingFormat reads content, channel and format. What is not said is audio,
// mixed, and WAV.
func recordingFormat(cmd *call.Record, q acs.StartRecordingRequest) error {
	content, err := oneOf("recordingContentType", q.ContentType, acs.RecordingContentTypes)
	if err != nil {
		return err
	}
	channel, err := oneOf("recordingChannelType", q.ChannelType, acs.AudioChannelTypes)
	if err != nil {
		return err
	}
	format, err := oneOf("recordingFormatType", q.FormatType, acs.RecordingFormatTypes)
	if err != nil {
		return err
	}
	cmd.Mixed, cmd.Format = channel != "unmixed", format
	switch {
	case content == "audioVideo":
		return unsupported("recordingContentType", content)
	case format == "mp4":
		return unsupported("recordingFormatType", format)
	case format == "":
		cmd.Format = "wav"
	case format == "mp3" && !cmd.Mixed:
		return invalid("recordingFormatType", "an unmixed recording is wav")
	}
	return nil
}

func storage(s *acs.RecordingStorage) error {
	if s == nil {
		return nil
	}
	if s.Kind == "" {
		return missing("externalStorage.recordingStorageKind")
	}
	kind, err := oneOf("externalStorage.recordingStorageKind", s.Kind, acs.StorageKinds)
	if err == nil && kind == "azureBlobStorage" {
		err = unsupported("externalStorage.recordingStorageKind", kind)
	}
	return err
}

// channels says who has which channel: those of the affinity theirs, those of
// the ordering what is left, in their order. A channel between that belongs to
// nobody is "".
func channels(ordering []acs.Identifier, affinity []acs.ChannelAffinity) ([]string, error) {
	ordered, err := participants("audioChannelParticipantOrdering", ordering)
	if err != nil {
		return nil, err
	}
	var fixed [acs.MaxChannel + 1]string
	for i, c := range affinity {
		field := fmt.Sprintf("channelAffinity[%d]", i)
		if c.Channel == nil {
			return nil, missing(field + ".channel")
		}
		n, err := inRange(field+".channel", c.Channel, 0, 0, acs.MaxChannel)
		if err != nil {
			return nil, err
		}
		id, err := participant(field+".participant", c.Participant)
		if err != nil {
			return nil, err
		}
		if fixed[n] != "" || slices.Contains(fixed[:], id) {
			return nil, invalid(field, "channel %d or its participant is named twice", n)
		}
		fixed[n] = id
	}
	list := fixed[:]
	for _, id := range ordered {
		if slices.Contains(list, id) {
			continue
		}
		if free := slices.Index(list, ""); free >= 0 {
			list[free] = id
		} else {
			list = append(list, id)
		}
	}
	for len(list) > 0 && list[len(list)-1] == "" {
		list = list[:len(list)-1]
	}
	return slices.Clone(list), nil
}
