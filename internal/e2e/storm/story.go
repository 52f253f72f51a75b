package main

import (
	"fmt"
	"strings"
)

// The events that a call must have, in order: at its callback, with and without
// a play that was accepted, and at the Event Grid subscriber. A play that the
// caller did not hear to its end was canceled.
var (
	playedStory   = "CallConnected ParticipantsUpdated PlayStarted PlayCompleted CallDisconnected"
	canceledStory = "CallConnected ParticipantsUpdated PlayStarted PlayCanceled CallDisconnected"
	neverStory    = "CallConnected ParticipantsUpdated PlayCanceled CallDisconnected" // it was not heard at all
	muteStory     = "CallConnected ParticipantsUpdated CallDisconnected"
	gridStory     = "IncomingCall CallStarted CallParticipantAdded CallParticipantRemoved CallEnded"
)

// gridName is the endpoint of the Event Grid subscriber.
const gridName = "grid"

// A note is one attempt to deliver an event.
type note struct {
	id, kind string
	lane     string // what keeps its order: a connection, or a call for Event Grid
	context  string
	sequence int   // of ParticipantsUpdated
	said     int64 // when it happened, ns since 1970
	came     int64 // and when it came
	answered bool  // 2xx
	settled  bool
}

// A lane is what came of one connection.
type lane struct {
	endpoint string
	mute     bool // the play was refused: the caller had hung up
	notes    []*note
	refused  map[string]int // by event id
}

func (l *lane) last() *note {
	if len(l.notes) == 0 {
		return nil
	}
	return l.notes[len(l.notes)-1]
}

// over reports whether the last event of a call has been accepted.
func (l *lane) over() bool {
	last := l.last()
	return last != nil && last.answered && (last.kind == "CallDisconnected" || last.kind == "CallEnded")
}

// tells reports whether these are the events that the lane must have.
func (l *lane) tells(kinds string) bool {
	switch {
	case l.endpoint == gridName:
		return kinds == gridStory
	case l.mute:
		return kinds == muteStory
	}
	return kinds == playedStory || kinds == canceledStory || kinds == neverStory
}

// faults are what is wrong with a lane. Each names the event it is about.
func (l *lane) faults() (all []string) {
	var events []*note // of each the attempt that was accepted, or the last
	seen := map[string]bool{}
	for _, n := range l.notes {
		last := len(events) - 1
		switch {
		case last >= 0 && events[last].id == n.id:
			if !events[last].answered {
				events[last] = n
			}
			continue
		case seen[n.id]:
			all = append(all, fmt.Sprintf("%s came again after %s", n.kind, events[last].kind))
			continue
		case last >= 0 && !events[last].answered:
			all = append(all, fmt.Sprintf("%s came, and %s before it was never accepted", n.kind, events[last].kind))
		}
		if last >= 0 && n.said < events[last].said {
			all = append(all, fmt.Sprintf("%s is older than %s before it", n.kind, events[last].kind))
		}
		seen[n.id] = true
		events = append(events, n)
	}
	var kinds []string
	updates := 0
	for _, n := range events {
		kinds = append(kinds, n.kind)
		if n.kind == "ParticipantsUpdated" {
			if n.sequence <= updates {
				all = append(all, fmt.Sprintf("ParticipantsUpdated %d came after %d", n.sequence, updates))
			}
			updates = n.sequence
		}
		if strings.HasPrefix(n.kind, "Play") && n.context != "play "+n.lane {
			all = append(all, fmt.Sprintf("%s has the context %q", n.kind, n.context))
		}
	}
	if told := strings.Join(kinds, " "); !l.tells(told) {
		all = append(all, "events: "+told)
	}
	if n := len(events); n > 0 && !events[n-1].answered {
		all = append(all, fmt.Sprintf("%s was never accepted", events[n-1].kind))
	}
	return all
}

// An account is what one endpoint has seen.
type account struct {
	Lanes, Events, Attempts int
	Cut                     int     // calls that were over before their play was
	Again                   int     // attempts of events that had been answered 2xx
	P50, P90, P99, Max      float64 // ms from an event to its first attempt
	Drained                 float64 // s from the first attempt to the last
}

// add counts the attempts of a lane, and gives how long each event took to its
// first.
func (a *account) add(l *lane, took func(ms float64)) {
	a.Lanes++
	if l.mute {
		a.Cut++
	}
	answered := map[string]bool{}
	seen := map[string]bool{}
	for _, n := range l.notes {
		a.Attempts++
		if n.kind == "PlayCanceled" && n.answered {
			a.Cut++
		}
		if answered[n.id] {
			a.Again++
		}
		answered[n.id] = answered[n.id] || n.answered
		if !seen[n.id] {
			seen[n.id] = true
			a.Events++
			took(float64(n.came-n.said) / 1e6)
		}
	}
}
