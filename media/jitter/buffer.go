package jitter

// Config says what a Buffer holds. Only Clock is needed.
type Config struct {
	// Clock is the RTP clock rate: units per second. 8000 for G.711 and G.722.
	Clock int
	// Units is how many units of the clock a payload plays for. nil: one per
	// byte, which is G.711 and G.722.
	Units func(payload []byte) int
	// Whole says that a payload cannot be cut (Opus). A piece then always has
	// its packet's whole payload, and From and Units say which part is meant.
	Whole bool
	// Start is the depth, in periods, to begin with. 0 is one period.
	Start int
	// Max is how many periods may wait. 0 is 15: 300 ms.
	Max int
	// Bytes is the room for payloads. 0 is 4096: half a second of G.711.
	Bytes int
}

// A State says what a Piece is.
type State uint8

// The states of a piece.
const (
	Heard   State = iota + 1 // it came
	Lost                     // it should have come, and later media has
	Starved                  // nothing has come, late or lost; or the buffer is to be deeper
	Silence                  // the sender left it out: silence suppression, an event instead
	Idle                     // there is no stream, or none any more
)

// A Piece is part of a period.
type Piece struct {
	State   State
	Units   int    // how long it plays
	Payload []byte // of a Heard piece; valid until the next Push
	From    int    // units of the packet before this piece; with Config.Whole only
	Cut     bool   // media was left out before this piece: blend it in
}

// A Verdict is what became of a pushed packet.
type Verdict uint8

// The verdicts.
const (
	Kept      Verdict = iota + 1
	Duplicate         // it was there before
	Late              // its time has passed
	Astray            // far from the others; believed when the next one follows it
	Unfit             // longer than the buffer, or playing for no time
)

// Stats counts what happened. Times are in units of the clock.
type Stats struct {
	Received   uint64 // packets
	Duplicates uint64 // packets
	Late       uint64 // packets
	Astray     uint64 // packets
	Unfit      uint64 // packets
	Overflow   uint64 // packets dropped because too many waited
	Lost       uint64 // units that should have come and did not
	Starved    uint64 // units for which nothing had come
	Inserted   uint64 // periods added, to be deeper
	Left       uint64 // periods left out, to be less deep
	Restarts   uint64 // jumps of timestamp or sequence number that were followed
	Depth      int    // units an undelayed packet waits, at the least
	Need       int    // units it should
}

const slots = 64 // packets that can wait; a power of two

// kinds of slot
const (
	empty  = iota
	held   // media, to be played
	played // media, played or left out
	beside // a packet of the stream that is no media: an event, comfort noise
)

type slot struct {
	seq   int64
	at    int64 // timestamp
	pos   uint64
	bytes int32
	units int32
	kind  uint8
}

// A Buffer holds one stream of packets. It is made by [New], and belongs to one
// goroutine.
type Buffer struct {
	cfg    Config
	period int64
	stats  Stats

	slot    [slots]slot
	arena   []byte // payloads, one after another, the oldest overwritten
	written uint64

	running bool
	head    int64 // the first sequence number not played
	newest  int64 // the highest one that came
	stamp   int64 // its timestamp, for telling which turn of 32 bits another is in
	end     int64 // where the media that came ends
	cursor  int64 // what is played next
	origin  int64 // ns of the first arrival
	starved int   // periods in a row with nothing to play
	cut     bool  // say so with the next piece
	pieces  [8]Piece

	depth   depth
	suspect suspect
}

// suspect is a packet far from all others.
type suspect struct {
	seq   uint16
	stamp uint32
	known bool
}

// New makes a Buffer.
func New(cfg Config) *Buffer {
	if cfg.Clock < 50 {
		panic("jitter: a buffer needs a clock rate")
	}
	if cfg.Start <= 0 {
		cfg.Start = 1
	}
	if cfg.Max <= 0 {
		cfg.Max = 15
	}
	if cfg.Bytes <= 0 {
		cfg.Bytes = 4096
	}
	b := &Buffer{cfg: cfg, period: int64(cfg.Clock / 50), arena: make([]byte, cfg.Bytes)}
	b.depth.cap = int64(cfg.Max-1) * b.period
	return b
}

// Reset forgets the stream: what comes next is another one. The counts stay,
// and so does what was learnt of the network's delays.
func (b *Buffer) Reset() {
	b.running = false
	b.suspect = suspect{}
	clear(b.slot[:])
	b.depth.forget()
}

// Stats is what was counted so far.
func (b *Buffer) Stats() Stats {
	s := b.stats
	if b.running {
		s.Depth, s.Need = int(b.depth.now()), int(b.depth.need.top())
	}
	return s
}

// Restless reports whether the depth is to change: Pop then wants to know of
// quiet moments.
func (b *Buffer) Restless() bool {
	return b.running && b.depth.wish(b.period) != 0
}

// slotOf is where a sequence number has its place.
func (b *Buffer) slotOf(seq int64) *slot { return &b.slot[uint64(seq)%slots] }

// has reports whether seq is in the buffer as kind.
func (b *Buffer) has(seq int64, kind uint8) bool {
	s := b.slotOf(seq)
	return s.kind == kind && s.seq == seq
}

// store copies a payload behind the last one. It stays whole: it does not wrap.
func (b *Buffer) store(payload []byte) (pos uint64) {
	size := uint64(len(b.arena))
	if at := b.written % size; at+uint64(len(payload)) > size {
		b.written += size - at
	}
	pos = b.written
	copy(b.arena[pos%size:], payload)
	b.written += uint64(len(payload))
	return pos
}

// payload is a slot's payload, or nil when it was overwritten.
func (b *Buffer) payload(s *slot) []byte {
	size := uint64(len(b.arena))
	if b.written-s.pos > size {
		return nil
	}
	at := s.pos % size
	return b.arena[at : at+uint64(s.bytes)]
}

// units turns nanoseconds since the first arrival into units of the clock.
func (b *Buffer) units(arrival int64) int64 {
	const second = 1_000_000_000
	d, clock := arrival-b.origin, int64(b.cfg.Clock)
	return d/second*clock + d%second*clock/second
}
