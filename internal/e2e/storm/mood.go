package main

// A reaction is what an endpoint does with an attempt to deliver an event.
type reaction int

const (
	take     reaction = iota // 200
	refuse                   // 500
	late                     // 200, after a while
	cutHead                  // the connection ends in the middle of the status line
	cutBody                  // 200, and the connection ends in the middle of the body
	endless                  // 200, and a body without an end, as fast as it goes
	drip                     // the same, a byte now and then
	redirect                 // to somewhere forbidden
)

// A mood says how an endpoint reacts to the nth attempt, from 0, that it sees.
type mood func(nth int) reaction

// patience is how often an endpoint refuses one event at most: the waits
// between attempts grow, and a test has an end.
const patience = 2

// moods are those of the endpoints, in their order. The healthy one is first.
var moods = []struct {
	name string
	mood mood
}{
	{"healthy", func(int) reaction { return take }},
	{"failing", func(nth int) reaction { return [...]reaction{take, take, refuse}[nth%3] }},
	{"slow", func(int) reaction { return late }},
	{"breaking", func(nth int) reaction { return [...]reaction{cutBody, cutHead, take}[nth%3] }},
	{"endless", func(nth int) reaction { return [...]reaction{endless, endless, endless, drip}[nth%4] }},
	{"redirecting", func(nth int) reaction { return [...]reaction{redirect, take}[nth%2] }},
	{"dead", func(int) reaction { return take }}, // once it is alive
}

// react is how an endpoint of a mood reacts, when an event has been refused so
// many times before.
func (m mood) react(nth, refused int) reaction {
	r := m(nth)
	if refused >= patience && (r == refuse || r == cutHead || r == redirect) {
		return take
	}
	return r
}

// accepts reports whether a reaction answers 2xx.
func (r reaction) accepts() bool { return r != refuse && r != cutHead && r != redirect }

// seen reports whether the app gets the event, answered or not.
func (r reaction) seen() bool { return r.accepts() || r == cutHead }
