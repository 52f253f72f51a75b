package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// Bounds of one message, and of waiting.
const (
	maxMessage = 8 << 20
	answerWait = 10 * time.Second       // a slow disk may take seconds to sync
	lastWords  = 100 * time.Millisecond // for an answer after the server spoke of a write error
	readBytes  = 4 << 20                // asked for at once
	readCount  = 2048
)

// What the store answers besides data.
var (
	errSilent   = errors.New("the store does not answer")
	errNoServer = errors.New("the store is closed")
	errMissing  = errors.New("no such message")
)

// store is the embedded server, its one connection and its streams. Its methods
// may be called from any goroutine.
type store struct {
	server *server.Server
	conn   *nats.Conn
	talk   *talk

	mu    sync.Mutex // held for one publish
	inbox string
	asked uint64
	acks  chan *nats.Msg
}

// openStore starts the server on a folder. On an error nothing of it runs any
// more.
func openStore(dir string, sync bool, log *slog.Logger) (*store, error) {
	srv, err := server.NewServer(&server.Options{
		ServerName:             "tipring",
		DontListen:             true,
		NoSigs:                 true,
		JetStream:              true,
		StoreDir:               dir,
		SyncAlways:             sync,
		SyncInterval:           syncEvery, // without SyncAlways
		JetStreamMaxMemory:     1 << 20,
		JetStreamMaxStore:      1 << 50, // the bounds are ours
		MaxPayload:             maxMessage,
		DisableJetStreamBanner: true,
		NoSystemAccount:        true,
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the store: %w", err)
	}
	s := &store{server: srv, talk: newTalk(log), acks: make(chan *nats.Msg, 16)}
	srv.SetLoggerV2(s.talk, false, false, false)
	srv.Start()
	if err := s.connect(); err != nil {
		s.close()
		return nil, s.told(err)
	}
	return s, nil
}

func (s *store) connect() error {
	if s.talk.fatal() || !s.server.JetStreamEnabled() {
		return fmt.Errorf("start the store: %s", s.talk.last())
	}
	if !s.server.ReadyForConnections(answerWait) {
		return fmt.Errorf("start the store: %w", errSilent)
	}
	conn, err := nats.Connect("", nats.InProcessServer(s.server), nats.NoReconnect(),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { s.talk.Warnf("%v", err) }))
	if err != nil {
		return fmt.Errorf("connect to the store: %w", err)
	}
	s.conn, s.inbox = conn, conn.NewInbox()
	if _, err := conn.ChanSubscribe(s.inbox+".*", s.acks); err != nil {
		return fmt.Errorf("listen for answers: %w", err)
	}
	return nil
}

// errPassing: why the store cannot be opened is not in the store.
var errPassing = errors.New("the system does not let it")

// told adds to an error what the server said.
func (s *store) told(err error) error {
	if s.talk.passes() || isPassing(err.Error()) || isFull(err.Error()) || isFull(s.talk.last()) {
		return fmt.Errorf("%w: %w", errPassing, err)
	}
	return err
}

// close stops the server and waits for it.
func (s *store) close() {
	if s.conn != nil {
		s.conn.Close()
	}
	s.server.Shutdown()
	s.server.WaitForShutdown()
}

// publish adds a message to a stream and waits until it is durable.
func (s *store) publish(ctx context.Context, subject string, msg []byte) (seq uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	reply := s.inbox + "." + strconv.FormatUint(s.asked, 10)
	if err := s.conn.PublishRequest(subject, reply, msg); err != nil {
		return 0, fmt.Errorf("publish: %w", err)
	}
	wait := time.NewTimer(answerWait)
	defer wait.Stop()
	trouble := s.talk.trouble
	for {
		select {
		case ack := <-s.acks:
			if ack.Subject == reply {
				return sequenceOf(ack)
			}
		case <-trouble: // perhaps another stream's
			trouble = nil
			wait.Reset(lastWords)
		case <-wait.C:
			if words := s.talk.last(); trouble == nil {
				return 0, fmt.Errorf("publish: %s", words)
			}
			return 0, fmt.Errorf("publish: %w", errSilent)
		case <-ctx.Done():
			return 0, fmt.Errorf("publish: %w", ctx.Err())
		}
	}
}

func sequenceOf(ack *nats.Msg) (uint64, error) {
	if len(ack.Data) == 0 {
		return 0, fmt.Errorf("publish: %w", errNoServer)
	}
	var a server.JSPubAckResponse
	if err := json.Unmarshal(ack.Data, &a); err != nil {
		return 0, fmt.Errorf("read the answer: %w", err)
	}
	if a.Error != nil {
		return 0, fmt.Errorf("publish: %w", a.Error)
	}
	if a.PubAck == nil || a.Sequence == 0 {
		return 0, fmt.Errorf("publish: %w", errSilent)
	}
	return a.Sequence, nil
}

// call asks the JetStream API.
func (s *store) call(subject string, request, response any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("ask the store: %w", err)
	}
	m, err := s.conn.Request("$JS.API."+subject, body, answerWait)
	if err != nil {
		return fmt.Errorf("ask the store: %w", err)
	}
	var failed server.ApiResponse
	if err := json.Unmarshal(m.Data, &failed); err != nil {
		return fmt.Errorf("ask the store: %w", err)
	}
	if failed.Error != nil {
		return fmt.Errorf("ask the store: %w", failed.Error)
	}
	if response == nil {
		return nil
	}
	if err := json.Unmarshal(m.Data, response); err != nil {
		return fmt.Errorf("ask the store: %w", err)
	}
	return nil
}

// stream finds a stream or makes it; made says that it was not found. Where its
// messages lie on the disk and only what describes it is damaged, it gets them
// back.
func (s *store) stream(c server.StreamConfig) (made bool, err error) {
	c.Storage, c.AllowDirect, c.Replicas = server.FileStorage, true, 1
	info, err := s.info(c.Name)
	var missing *server.ApiError
	switch {
	case errors.As(err, &missing) && missing.Code == 404:
		return true, s.call("STREAM.CREATE."+c.Name, c, nil)
	case err != nil:
		return false, err
	case c.MaxBytes == max(0, info.Config.MaxBytes) && c.MaxAge == info.Config.MaxAge:
		return false, nil // on a full disk nothing can be changed, but read
	}
	return false, s.call("STREAM.UPDATE."+c.Name, c, nil)
}

func (s *store) info(stream string) (server.StreamInfo, error) {
	var info server.JSApiStreamInfoResponse
	if err := s.call("STREAM.INFO."+stream, struct{}{}, &info); err != nil {
		return server.StreamInfo{}, err
	}
	if info.StreamInfo == nil {
		return server.StreamInfo{}, errSilent
	}
	return *info.StreamInfo, nil
}

// purge deletes all messages below a sequence.
func (s *store) purge(stream string, below uint64) error {
	return s.call("STREAM.PURGE."+stream, server.JSApiStreamPurgeRequest{Sequence: below}, nil)
}

// remove deletes one message. One that is not there is no error.
func (s *store) remove(stream string, seq uint64) error {
	err := s.call("STREAM.MSG.DELETE."+stream, server.JSApiMsgDeleteRequest{Seq: seq, NoErase: true}, nil)
	var missing *server.ApiError
	if errors.As(err, &missing) && (missing.Code == 404 || strings.Contains(missing.Description, "not found")) {
		return nil
	}
	return err
}

// get reads one message.
func (s *store) get(stream string, seq uint64) ([]byte, error) {
	body := append(strconv.AppendUint([]byte(`{"seq":`), seq, 10), '}')
	m, err := s.conn.Request("$JS.API.DIRECT.GET."+stream, body, answerWait)
	if err != nil {
		return nil, fmt.Errorf("read message %d: %w", seq, err)
	}
	if got, err := strconv.ParseUint(m.Header.Get(server.JSSequence), 10, 64); err != nil || got != seq {
		return nil, fmt.Errorf("read message %d: %w", seq, errMissing)
	}
	return m.Data, nil
}

// scan reads the messages from a sequence to another, both included, in order,
// and stops at f's first error. What cannot be read is left out.
func (s *store) scan(stream string, from, to uint64, f func(seq uint64, msg []byte) error) error {
	answers := make(chan *nats.Msg, 2*readCount) // what finds no room in it is dropped
	inbox := s.conn.NewInbox()
	sub, err := s.conn.ChanSubscribe(inbox, answers)
	if err != nil {
		return fmt.Errorf("read messages: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	for from <= to {
		next, err := s.batch(stream, from, to, inbox, answers, f)
		if err != nil {
			return fmt.Errorf("read messages: %w", err)
		}
		from = next
	}
	return nil
}

// batch reads a few MiB of messages and says where to go on.
func (s *store) batch(stream string, from, to uint64, inbox string, answers chan *nats.Msg, f func(uint64, []byte) error) (next uint64, err error) {
	ask := fmt.Appendf(nil, `{"seq":%d,"batch":%d,"max_bytes":%d}`, from, min(to-from+1, readCount), readBytes)
	if err := s.conn.PublishRequest("$JS.API.DIRECT.GET."+stream, inbox, ask); err != nil {
		return 0, err
	}
	wait := time.NewTimer(answerWait)
	defer wait.Stop()
	next = from
	for {
		select {
		case m := <-answers:
			seq, bad := strconv.ParseUint(m.Header.Get(server.JSSequence), 10, 64)
			switch {
			case bad == nil && seq > to:
				next = seq
			case bad == nil:
				next = seq + 1
				if err != nil {
					continue // the rest of the batch has to be taken
				}
				err = f(seq, m.Data)
			case err != nil:
				return 0, err
			case m.Header.Get("Status") == "503":
				return 0, errNoServer
			default: // the end of the batch, or nothing readable at from
				return max(next, from+1), nil
			}
		case <-wait.C:
			return 0, errSilent
		}
	}
}
