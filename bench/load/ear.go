package load

// Spacing is counted in steps of 0.1 ms, up to 60 ms.
const (
	grain   = 100_000 // ns
	grains  = 600
	period  = 20_000_000 // ns
	tooFar  = 10_000_000 // ns
	silent  = 0xff       // µ-law's zero, and with the sign bit off its other zero
	silent2 = 0x7f
)

// An ear follows one stream of RTP: what is missing, what came twice, and how
// far each packet is from 20 ms after the one before.
type ear struct {
	began   bool
	highest uint16
	recent  uint64 // which of the 64 up to highest have come
	arrival int64  // of highest, ns

	heard Heard
}

// Heard is what ears have heard.
type Heard struct {
	Packets    uint64 `json:"packets"`
	Due        uint64 `json:"due"`        // how many should have come in this time
	Lost       uint64 `json:"lost"`       // gaps in the sequence numbers
	Duplicates uint64 `json:"duplicates"` //
	Reordered  uint64 `json:"reordered"`  //
	Silent     uint64 `json:"silent"`     // packets without sound: the prompt has none
	Off        uint64 `json:"off"`        // further than 10 ms from 20 ms after the one before

	spacing [grains + 1]uint64
}

// packet takes one packet of the stream.
func (e *ear) packet(seq uint16, payload []byte, arrival int64) {
	h := &e.heard
	h.Packets++
	if mute(payload) {
		h.Silent++
	}
	ahead := int(int16(seq - e.highest))
	switch {
	case !e.began:
		e.began, e.highest, e.recent, e.arrival = true, seq, 1, arrival
	case ahead > 0:
		h.Lost += uint64(ahead - 1)
		e.recent = e.recent<<min(ahead, 64) | 1
		e.space(arrival - e.arrival - int64(ahead)*period)
		e.highest, e.arrival = seq, arrival
	case ahead > -64 && e.recent&(1<<-ahead) == 0:
		e.recent |= 1 << -ahead
		h.Reordered++
		if h.Lost > 0 { // it had been taken for lost
			h.Lost--
		}
	default:
		h.Duplicates++
	}
}

// space counts how far a packet is from its place.
func (e *ear) space(off int64) {
	off = max(off, -off)
	if off > tooFar {
		e.heard.Off++
	}
	e.heard.spacing[min(off/grain, grains)]++
}

// again begins a new count, in the middle of the stream.
func (e *ear) again() { e.heard = Heard{} }

// add sums up.
func (h *Heard) add(o *Heard) {
	h.Packets += o.Packets
	h.Due += o.Due
	h.Lost += o.Lost
	h.Duplicates += o.Duplicates
	h.Reordered += o.Reordered
	h.Silent += o.Silent
	h.Off += o.Off
	for i, n := range o.spacing {
		h.spacing[i] += n
	}
}

// Punctual is the share of packets within 10 ms of 20 ms after the one before.
func (h *Heard) Punctual() float64 {
	if h.Packets == 0 {
		return 0
	}
	return 1 - float64(h.Off)/float64(h.Packets)
}

// Spacing is how far, in milliseconds, the given share of packets is from its
// place at most; 60 means 60 or more.
func (h *Heard) Spacing(share float64) float64 {
	var all, sum uint64
	for _, n := range h.spacing {
		all += n
	}
	for i, n := range h.spacing {
		sum += n
		if all > 0 && float64(sum) >= share*float64(all) {
			return float64(i) * grain / 1e6
		}
	}
	return 0
}

// mute reports whether a payload of µ-law is silence.
func mute(payload []byte) bool {
	for _, b := range payload {
		if b != silent && b != silent2 {
			return false
		}
	}
	return true
}
