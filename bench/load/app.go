package load

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tipring/tipring/internal/acs"
	"github.com/tipring/tipring/media/wav"
)

// handler is the app's side of HTTP.
func (p *Phones) handler(ctx context.Context) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /events", func(w http.ResponseWriter, r *http.Request) { p.events(ctx, w, r) })
	mux.HandleFunc("POST /callbacks/{index}", func(w http.ResponseWriter, r *http.Request) { p.callbacks(ctx, w, r) })
	prompt := promptFile()
	mux.HandleFunc("GET /prompt.wav", func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "prompt.wav", time.Time{}, bytes.NewReader(prompt))
	})
	return mux
}

// promptFile is the prompt as a WAV of three seconds.
func promptFile() []byte {
	var file bytes.Buffer
	w, err := wav.NewStreamWriter(&file, wav.Format{Rate: 8000, Channels: 1})
	if err == nil {
		err = w.WriteMono(announcement(3))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err) // a buffer takes everything
	}
	return file.Bytes()
}

// events takes Event Grid's: the handshake, and calls that ring.
func (p *Phones) events(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	var all []struct {
		EventType string
		Data      json.RawMessage
	}
	if err := json.NewDecoder(r.Body).Decode(&all); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for _, e := range all {
		var data struct {
			acs.Validation
			acs.IncomingCall
		}
		if err := json.Unmarshal(e.Data, &data); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if data.ValidationCode != "" {
			_ = json.NewEncoder(w).Encode(acs.ValidationResponse{ValidationResponse: data.ValidationCode})
			return
		}
		if c := p.byNumber(strings.TrimPrefix(data.From.RawID, "4:")); c != nil {
			p.mark(&c.rang)
			p.took("INVITE → IncomingCall", &c.invited)
			p.goes(ctx, c, func(ctx context.Context) error { return p.answer(ctx, c, data.IncomingCallContext) })
		}
	}
}

// callbacks takes the events of one call.
func (p *Phones) callbacks(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	index, err := strconv.Atoi(r.PathValue("index"))
	c := p.byIndex(index)
	if err != nil || c == nil {
		http.NotFound(w, r)
		return
	}
	var all []struct {
		Type string
		Data acs.ToneReceived // has the fields of all that are looked at
	}
	if err := json.NewDecoder(r.Body).Decode(&all); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for _, e := range all {
		switch kind := strings.TrimPrefix(e.Type, "Microsoft.Communication."); {
		case kind == "CallConnected":
			p.took("answer → CallConnected", &c.answered)
			p.goes(ctx, c, func(ctx context.Context) error { return p.connected(ctx, c, e.Data.CallConnectionID) })
		case kind == "ContinuousDtmfRecognitionToneReceived":
			p.tone(c, e.Data.Tone)
		case kind == "PlayStarted":
			p.took("play → PlayStarted", &c.played)
		case kind == "ParticipantsUpdated":
			select {
			case c.updated <- struct{}{}:
			default:
			}
		case kind == "CallDisconnected":
			p.took("terminate → CallDisconnected", &c.terminated)
			c.gone.open()
		case strings.HasSuffix(kind, "Failed"):
			p.failed(fmt.Errorf("call %s: %s %+v", c.number, kind, e.Data.ResultInformation))
		}
	}
}

func (p *Phones) answer(ctx context.Context, c *call, token string) error {
	p.mark(&c.answered)
	return p.server.Post(ctx, "/calling/callConnections:answer", map[string]any{
		"incomingCallContext": token, "callbackUri": p.url + "/callbacks/" + strconv.Itoa(c.index),
	}, nil)
}

// connected does what the call is for: an IVR leg gets its prompt and its
// recognition, a short one its end.
func (p *Phones) connected(ctx context.Context, c *call, connection string) error {
	path := "/calling/callConnections/" + connection
	c.connection = connection
	if c.short {
		if c.index%2 == 1 {
			c.served.open() // the phone hangs up
			return nil
		}
		p.mark(&c.terminated)
		return p.server.Post(ctx, path+":terminate", nil, nil)
	}
	p.mark(&c.played)
	err := p.server.Post(ctx, path+":play", map[string]any{
		"playSources": []any{map[string]any{"kind": "file", "playSourceCacheId": "prompt", "file": acs.FileSource{URI: p.url + "/prompt.wav"}}},
		"playTo":      []any{}, "playOptions": map[string]any{"loop": true},
	}, nil)
	if err != nil {
		return err
	}
	err = p.server.Post(ctx, path+":startContinuousDtmfRecognition", map[string]any{
		"targetParticipant": acs.Identify("4:" + c.number),
	}, nil)
	if err != nil {
		return err
	}
	c.served.open()
	return nil
}

// tone notes a key that came back, and checks that it is the next one pressed.
func (p *Phones) tone(c *call, name string) {
	now := time.Now()
	symbol, err := acs.Symbol(name)
	if err != nil {
		p.fail(fmt.Errorf("call %s: tone %q", c.number, name))
		return
	}
	p.sound.with(func() {
		pressed := c.line.pressed
		if c.came >= len(pressed) || pressed[c.came].symbol != symbol {
			c.wrong++
			return
		}
		p.keyTimes = append(p.keyTimes, now.Sub(pressed[c.came].at))
		c.came++
	})
}
