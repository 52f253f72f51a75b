package api

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/tipring/tipring/internal/call"
	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/journal"
	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/internal/recording"
)

// Calls is what the API needs of the calls: *call.Registry has it.
type Calls interface {
	Answer(ctx context.Context, a call.Answer) (call.Properties, error)
	Create(ctx context.Context, create call.Create) (call.Properties, error)
	Connect(ctx context.Context, connect call.Connect) (call.Properties, error)
	Redirect(ctx context.Context, redirect call.Redirect) error
	Reject(ctx context.Context, token string, cause leg.Cause) error
	Send(ctx context.Context, connection string, c call.Command) error
	Properties(ctx context.Context, connection string) (call.Properties, error)
	Participants(ctx context.Context, connection string) ([]event.Participant, error)
	Record(ctx context.Context, rec call.Record) (call.RecordingState, error)
	Recording(ctx context.Context, id string) (call.RecordingState, error)
	PauseRecording(ctx context.Context, id string) error
	ResumeRecording(ctx context.Context, id string) error
	StopRecording(ctx context.Context, id string) error
}

// Objects is what the API needs of stored recordings: *recording.Store has it.
// A document that does not exist is recording.ErrNotFound.
type Objects interface {
	Open(document string) (io.ReadSeekCloser, recording.Info, error)
	Metadata(document string) ([]byte, error)
	Delete(document string) error
}

// Config is what the API needs.
type Config struct {
	Calls   Calls
	Objects Objects
	Letters Letters  // nil: there are none
	Ports   []string // of the listeners: a client may leave its endpoint's port out of x-ms-host
	Keys    [][]byte // access keys, decoded; any of them signs. None: every signature is refused
	// Bearer checks a bearer token: nil, or why it does not count. An error that
	// wraps jwt.ErrNoIssuer is answered 503. Without Bearer tokens are refused.
	Bearer func(ctx context.Context, token string) error
	// Tokens serves the OpenID configuration and the keys of our own tokens, to
	// anybody; may be nil.
	Tokens http.Handler
	// Journal keeps the answers to requests that may be sent again; nil: they
	// last as long as the process.
	Journal journal.Journal
	Metrics *metric.Set      // api_requests_total, api_refused_total, …; may be nil
	Log     *slog.Logger     // nil: silent
	Now     func() time.Time // nil: time.Now
}

// commandTimeout bounds how long a command may take. A command is carried out
// even if the one who asked goes away meanwhile: the retry finds its result.
const commandTimeout = 60 * time.Second

type api struct {
	Config
	seen *repeats
}

// New makes the API. It serves /calling/, /v1/objects/ and /tipring/; anything
// else is a 404.
func New(c Config) http.Handler {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	a := &api{Config: c, seen: newRepeats(c.Now, newShelf(c.Journal, c.Log, c.Metrics))}
	return afresh(a.router())
}

// router has every path that is served.
func (a *api) router() *chi.Mux {
	root := chi.NewRouter()
	root.Use(a.survive, a.echo)
	root.Get("/calling/.well-known/acsopenidconfiguration", a.published)
	root.Get("/calling/keys", a.published)
	root.Route("/calling", func(r chi.Router) {
		r.Use(a.signed)
		r.NotFound(a.unknown)
		r.MethodNotAllowed(a.notAllowed)
		a.routes(r)
	})
	root.Route("/v1/objects", func(r chi.Router) {
		r.Use(a.signedObject)
		r.NotFound(empty(http.StatusNotFound))
		r.MethodNotAllowed(empty(http.StatusMethodNotAllowed))
		r.Get("/{document}/content/{kind}", a.download)
		r.Head("/{document}/content/{kind}", a.download)
		r.Delete("/{document}", a.remove)
		r.Delete("/{document}/content/deletedata", a.remove)
	})
	root.Route("/tipring", a.letterRoutes)
	root.NotFound(a.unknown)
	return root
}

// published shows anybody how our tokens can be verified.
func (a *api) published(w http.ResponseWriter, r *http.Request) {
	if a.Tokens == nil {
		a.unknown(w, r)
		return
	}
	a.Tokens.ServeHTTP(w, r)
}

// afresh routes a request without what another router in front has found.
func afresh(root http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if chi.RouteContext(r.Context()) != nil {
			r = r.WithContext(context.WithValue(r.Context(), chi.RouteCtxKey, nil))
		}
		root.ServeHTTP(w, r)
	})
}

// routes are the operations of the contract. Ids hold no ':', so that the verb
// behind it can be cut off.
func (a *api) routes(r chi.Router) {
	const connection = "/callConnections/{id}"
	r.Post("/callConnections", a.doOnce("createCall", a.create))
	r.Post("/callConnections:connect", a.do("connect", a.connect))
	r.Post("/callConnections:redirect", a.do("redirect", a.redirect))
	r.Post("/callConnections:answer", a.do("answer", a.answer))
	r.Post("/callConnections:reject", a.do("reject", a.reject))
	r.Get(connection, a.do("getProperties", a.properties))
	r.Delete(connection, a.do("hangUp", a.hangUp))
	r.Post(connection+":terminate", a.do("terminate", a.terminate))
	r.Post(connection+":transferToParticipant", a.do("transfer", a.transfer))
	r.Get(connection+"/participants", a.do("listParticipants", a.participants))
	r.Get(connection+"/participants/{participant}", a.do("getParticipant", a.participant))
	r.Post(connection+"/participants:add", a.do("addParticipant", a.add))
	r.Post(connection+"/participants:cancelAddParticipant", a.do("cancelAddParticipant", a.cancelAdd))
	r.Post(connection+"/participants:remove", a.do("removeParticipant", a.removeParticipant))
	r.Post(connection+"/participants:mute", a.do("mute", a.mute))
	r.Post(connection+"/participants:unmute", a.do("unmute", a.unmute))
	r.Post(connection+"/participants:moveHere", a.do("moveParticipants", a.move))
	r.Post(connection+":play", a.do("play", a.play))
	r.Post(connection+":recognize", a.do("recognize", a.recognize))
	r.Post(connection+":startContinuousDtmfRecognition", a.do("startContinuousDtmf", a.listenTones))
	r.Post(connection+":stopContinuousDtmfRecognition", a.do("stopContinuousDtmf", a.stopTones))
	r.Post(connection+":sendDtmfTones", a.do("sendDtmfTones", a.sendTones))
	r.Post(connection+":hold", a.do("hold", a.hold))
	r.Post(connection+":unhold", a.do("unhold", a.unhold))
	r.Post(connection+":cancelAllMediaOperations", a.do("cancelAll", a.cancelAll))
	r.Post(connection+":startMediaStreaming", a.do("startMediaStreaming", a.startStreaming))
	r.Post(connection+":stopMediaStreaming", a.do("stopMediaStreaming", a.stopStreaming))

	r.Post("/recordings", a.do("startRecording", a.record))
	r.Get("/recordings/{id}", a.do("getRecording", a.recording))
	r.Delete("/recordings/{id}", a.do("stopRecording", a.stopRecording))
	r.Post("/recordings/{id}:pause", a.do("pauseRecording", a.pauseRecording))
	r.Post("/recordings/{id}:resume", a.do("resumeRecording", a.resumeRecording))

	for operation, pattern := range map[string]string{
		"startTranscription":  connection + ":startTranscription",
		"stopTranscription":   connection + ":stopTranscription",
		"updateTranscription": connection + ":updateTranscription",
		"summarizeCall":       connection + ":summarizeCall",
	} {
		r.Post(pattern, a.do(operation, noEngine(operation)))
	}
}
