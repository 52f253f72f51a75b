package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// A paper is where lines are printed: those that stay, and below them, on a
// terminal, those that live. Elsewhere a live line is printed once a second.
type paper struct {
	w io.Writer

	mu    sync.Mutex
	last  map[string]time.Time // when each stream was last drawn
	drawn int                  // live lines at the bottom of the terminal
}

// line prints a line that stays.
func (p *paper) line(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
	fmt.Fprintf(p.w, format+"\n", args...)
}

// live shows how the voices of a stream are, if it is time to.
func (p *paper) live(name string, voices []*voice) {
	p.mu.Lock()
	defer p.mu.Unlock()
	terminal := p.terminal()
	every := time.Second
	if terminal {
		every = 200 * time.Millisecond
	}
	now := time.Now()
	if p.last == nil {
		p.last = map[string]time.Time{}
	}
	if now.Sub(p.last[name]) < every {
		return
	}
	p.last[name] = now
	p.wipe()
	for _, v := range voices {
		fmt.Fprintf(p.w, "%s: %s\n", name, v.look())
	}
	if terminal {
		p.drawn = len(voices)
	}
}

// wipe takes the live lines off the terminal.
func (p *paper) wipe() {
	if p.drawn > 0 {
		fmt.Fprintf(p.w, "\x1b[%dA\x1b[J", p.drawn)
	}
	p.drawn = 0
}

func (p *paper) terminal() bool {
	f, ok := p.w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
