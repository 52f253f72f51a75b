package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/tipring/tipring/internal/acs"
	"github.com/tipring/tipring/internal/acs/acstest"
	"github.com/tipring/tipring/media/wav"
)

// handler is the app's own side of HTTP: the Event Grid subscriber, and the
// prompt.
func (s *storm) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /events", s.events)
	prompt := tone(300 * time.Millisecond)
	mux.HandleFunc("GET /prompt.wav", func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "prompt.wav", time.Time{}, bytes.NewReader(prompt))
	})
	return mux
}

// events takes what Event Grid sends: the handshake, and events.
func (s *storm) events(w http.ResponseWriter, r *http.Request) {
	came, book := time.Now(), s.book()
	body, err := io.ReadAll(r.Body)
	var all []struct {
		EventType string
		Data      acs.Validation
	}
	if err == nil {
		err = json.Unmarshal(body, &all)
	}
	var n note
	if err == nil && len(all) == 1 && all[0].EventType == acs.ValidationType {
		say(map[string]any{"event": map[string]any{"kind": "SubscriptionValidation"}})
		_ = json.NewEncoder(w).Encode(acs.ValidationResponse{ValidationResponse: all[0].Data.ValidationCode})
		return
	}
	if err == nil {
		n, err = read(body)
	}
	if err != nil {
		book.wrong("%s: %v", gridName, err)
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	n.came = came.UnixNano()
	it, _ := book.arrive(gridName, n)
	if err := s.pass(r.Context(), "/events", it, body); err != nil {
		book.wrong("%s: the app: %v", gridName, err)
	}
	book.settle(it, true)
}

// pass gives the app an event: the one that it is forwarded to, or our own,
// which acts in its own time.
func (s *storm) pass(ctx context.Context, path string, n *note, body []byte) error {
	if s.forward != "" {
		return s.send(ctx, s.forward+path, body)
	}
	if _, again := s.acted.LoadOrStore(n.id, true); again {
		return nil // its first attempt was cut off
	}
	book := s.book()
	go func() {
		if err := s.act(s.ctx, book, n, body); err != nil && s.ctx.Err() == nil {
			book.wrong("%s of %s: %v", n.kind, n.lane, err)
		}
	}()
	return nil
}

// send posts an event to the app.
func (s *storm) send(ctx context.Context, to string, body []byte) error {
	req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := s.api.HTTP.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", to, res.Status)
	}
	return nil
}

// act does what the app does upon an event: it answers, and plays at once. It
// does not wait for events in between, which may be late; the phone hangs up.
func (s *storm) act(ctx context.Context, book *ledger, n *note, body []byte) error {
	if strings.HasSuffix(n.kind, "Failed") {
		return fmt.Errorf("%s", body)
	}
	if n.kind != "IncomingCall" {
		return nil
	}
	var all []struct{ Data acs.IncomingCall }
	if err := json.Unmarshal(body, &all); err != nil {
		return fmt.Errorf("read an event: %w", err)
	}
	at := s.endpoints[int(s.next.Add(1)-1)%len(s.endpoints)]
	var answer struct{ CallConnectionID string }
	err := s.api.Post(ctx, "/calling/callConnections:answer", map[string]any{
		"incomingCallContext": all[0].Data.IncomingCallContext, "callbackUri": at.url,
	}, &answer)
	if err != nil {
		return err
	}
	play := map[string]any{
		"playSources":      []any{map[string]any{"kind": "file", "playSourceCacheId": "prompt", "file": acs.FileSource{URI: s.url + "/prompt.wav"}}},
		"playTo":           []any{},
		"operationContext": "play " + answer.CallConnectionID,
	}
	for {
		err := s.api.Post(ctx, "/calling/callConnections/"+answer.CallConnectionID+":play", play, nil)
		refused := new(acstest.Refused)
		if !errors.As(err, &refused) {
			return err
		}
		switch refused.Code {
		case acs.CodeWrongState:
			wait(ctx, 20*time.Millisecond) // until the phone has acknowledged the answer
		case acs.CodeNotFound, acs.CodeGone:
			book.silence(at.name, answer.CallConnectionID) // it has hung up
			return nil
		default:
			return err
		}
	}
}

// tone is the prompt, as a WAV.
func tone(d time.Duration) []byte {
	pcm := make([]int16, int(d.Seconds()*8000))
	for i := range pcm {
		pcm[i] = int16(8000 * math.Sin(2*math.Pi*440*float64(i)/8000))
	}
	var file bytes.Buffer
	w, err := wav.NewStreamWriter(&file, wav.Format{Rate: 8000, Channels: 1})
	if err == nil {
		err = w.WriteMono(pcm)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err) // a buffer takes everything
	}
	return file.Bytes()
}
