package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"time"

	"github.com/tipring/tipring/bench/load"
)

type restartCmd struct {
	setting
	Legs int           `default:"1000" help:"How many calls stand when the server is killed."`
	Wait time.Duration `default:"60s" help:"How long to wait for the end of the last."`
}

// A comeback is how a killed server came back. Times are in seconds from when it
// was started again.
type comeback struct {
	Machine      string    `json:"machine"`
	Sync         bool      `json:"sync"`
	Ends         load.Ends `json:"ends"`
	Listening    float64   `json:"listening_s"`
	Ready        float64   `json:"ready_s"` // /healthz says 200
	Disconnected float64   `json:"last_call_disconnected_s"`
	Bye          float64   `json:"last_bye_s"`
	CPU          float64   `json:"cpu_s"` // of the new process, until then
	Data         float64   `json:"data_bytes"`
	Left         float64   `json:"calls_left"`
}

// Run measures a restart.
func (c *restartCmd) Run(ctx context.Context) error {
	r, err := c.measure(ctx)
	if err != nil {
		return err
	}
	return c.tell(r)
}

// measure kills a server with calls and starts it again.
func (c *restartCmd) measure(ctx context.Context) (r comeback, err error) {
	s, err := c.open(ctx)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.phones.Call(ctx, c.Legs); err != nil {
		return r, err
	}
	_ = s.phones.Measure(ctx, 2*time.Second) // let it calm down
	r = comeback{Machine: machine(), Sync: c.Sync}
	s.kill()
	r.Data = size(s.data)
	began := time.Now()
	if err := s.start(ctx); err != nil {
		return r, err
	}
	r.Listening = time.Since(began).Seconds()
	if err := s.ready(ctx); err != nil {
		return r, err
	}
	r.Ready = time.Since(began).Seconds()
	limited, cancel := context.WithTimeout(ctx, c.Wait)
	defer cancel()
	r.Ends = s.phones.Ends(limited)
	r.Disconnected, r.Bye = since(r.Ends.LastDisconnected, began), since(r.Ends.LastBye, began)
	look, err := s.look(ctx)
	r.CPU, r.Left = look.CPU, look.Metrics["tipring_calls"]
	return r, err
}

func since(at, began time.Time) float64 {
	if at.IsZero() {
		return 0
	}
	return at.Sub(began).Seconds()
}

// size is how many bytes the files of a folder have.
func size(dir string) (bytes float64) {
	root := os.DirFS(dir)
	_ = fs.WalkDir(root, ".", func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // what is gone has no size
		}
		if info, err := d.Info(); err == nil {
			bytes += float64(info.Size())
		}
		return nil
	})
	return bytes
}

// ready waits until the server takes calls.
func (s *stage) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.at.HTTP+"/healthz", nil)
		if err != nil {
			return fmt.Errorf("ask whether the server is ready: %w", err)
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for the server to be ready: %w", ctx.Err())
		}
	}
}

// text writes it for people.
func (r comeback) text(w io.Writer) {
	fmt.Fprintf(w, "restart: %s, sync %t\n", r.Machine, r.Sync)
	fmt.Fprintf(w, "  %d calls stood when the server was killed; %.1f MiB in its data folder\n", r.Ends.Calls, r.Data/(1<<20))
	fmt.Fprintf(w, "  started again: listening after %.3f s, ready after %.3f s, last CallDisconnected after %.3f s, last BYE after %.3f s; %.2f s of processor time\n",
		r.Listening, r.Ready, r.Disconnected, r.Bye, r.CPU)
	fmt.Fprintf(w, "  %d of %d had CallDisconnected, %d BYE; %d operations failed; %.0f calls are left\n\n",
		r.Ends.Disconnected, r.Ends.Calls, r.Ends.Byed, r.Ends.Failed, r.Left)
}
