package dtmf

// Symbols are the sixteen digits, in the order of their RFC 4733 event codes.
const Symbols = "0123456789*#ABCD"

// A Way is how a digit reached us.
type Way uint8

// The three ways in.
const (
	InBand Way = iota + 1 // heard in the sound
	Event                 // RFC 4733 telephone-event
	Info                  // SIP INFO
)

// String names the way.
func (w Way) String() string {
	switch w {
	case InBand:
		return "in-band"
	case Event:
		return "telephone-event"
	case Info:
		return "SIP INFO"
	}
	return "unknown"
}

// A Digit is one key press.
type Digit struct {
	Symbol byte   // one of Symbols
	Way    Way    // how it came
	Tick   uint64 // when it began, on the room's time axis
}
