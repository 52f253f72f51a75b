package plc

// The times of G.711 Appendix I, in thousandths of a second or its parts.
const (
	minPitchHz = 66  // 15 ms: the longest pitch period looked for
	maxPitchHz = 200 // 5 ms: the shortest
	periodsMax = 3   // how many pitch periods are repeated at most
)

// A Concealer continues the sound of one voice. It is made by [New].
type Concealer struct {
	rate    int
	longest int // the longest pitch period, in samples

	heard  []int16 // the end of what was heard or made up, oldest first
	frozen []int16 // the same, as it was when the loss began

	active bool // frozen holds a sound that is being continued
	period int  // its pitch period, in samples
	lost   int  // samples made up so far in this loss
	voice  loop // what is repeated
	before loop // what was repeated until a moment ago, being faded out
	fade   int  // samples of that left
	step   int  // the jump at the first seam, corrected over one overlap
}

// A loop is a stretch at the end of frozen that is repeated.
type loop struct {
	length int // samples
	at     int // the next one, from the start of the stretch
}

// New makes a Concealer of sound at rate hertz. It holds 100 ms of sound: about
// 1.6 KiB at 8 kHz.
func New(rate int) *Concealer {
	if rate < 4000 {
		panic("plc: rate below 4000 Hz")
	}
	longest := rate / minPitchHz
	n := longest*periodsMax + longest/4 + 1
	return &Concealer{
		rate:    rate,
		longest: longest,
		heard:   make([]int16, n),
		frozen:  make([]int16, n),
	}
}

// Reset forgets the voice: what comes next is another one.
func (c *Concealer) Reset() {
	clear(c.heard)
	c.active, c.lost = false, 0
}

// Lost is how many samples have been made up since the last that was heard.
func (c *Concealer) Lost() int { return c.lost }

// Heard takes note of sound that came. After a loss or a cut the first
// milliseconds of pcm are blended with the made-up sound, in place.
func (c *Concealer) Heard(pcm []int16) {
	if c.active {
		c.join(pcm)
	}
	c.remember(pcm)
}

// Cut says that sound was left out before the next that is heard: the seam is
// blended as after a loss, though nothing is made up.
func (c *Concealer) Cut() {
	if !c.active {
		c.begin()
	}
}

// Conceal fills pcm with a continuation of what was heard.
func (c *Concealer) Conceal(pcm []int16) {
	if !c.active {
		c.begin()
	}
	for i := range pcm {
		pcm[i] = int16(c.next())
	}
	c.remember(pcm)
}

// join fades the made-up sound out and the heard sound in: over a quarter of
// the pitch period and 4 ms more for every 10 ms that were lost, 10 ms at most.
func (c *Concealer) join(pcm []int16) {
	n := c.overlap() + c.lost*2/5
	n = min(n, c.rate/100, len(pcm))
	for i := range n {
		w := i + 1
		pcm[i] = int16((c.next()*(n+1-w) + int(pcm[i])*w) / (n + 1))
	}
	c.active, c.lost = false, 0
}

// remember keeps the end of what was heard or made up.
func (c *Concealer) remember(pcm []int16) {
	n := len(c.heard)
	if len(pcm) >= n {
		copy(c.heard, pcm[len(pcm)-n:])
		return
	}
	copy(c.heard, c.heard[len(pcm):])
	copy(c.heard[n-len(pcm):], pcm)
}

// begin starts a loss: it finds the pitch and keeps the sound to repeat.
func (c *Concealer) begin() {
	copy(c.frozen, c.heard)
	c.active, c.lost, c.fade = true, 0, 0
	c.period = c.pitch()
	c.voice = loop{length: c.period}
	n := len(c.frozen)
	c.step = int(c.frozen[n-1]) - int(c.frozen[n-1-c.period])
}

// overlap is the length of a seam: a quarter of the pitch period.
func (c *Concealer) overlap() int { return max(c.period/4, 1) }

// next makes up one more sample.
func (c *Concealer) next() int {
	ten := c.rate / 100 // 10 ms
	if c.lost >= 6*ten {
		c.lost++
		return 0
	}
	if c.lost == ten || c.lost == (periodsMax-1)*ten {
		c.lengthen()
	}
	v, q := c.repeat(&c.voice), c.overlap()
	if c.lost < q { // close the seam with what was heard
		v += c.step * (q - c.lost) / (q + 1)
	}
	if c.fade > 0 { // from the shorter loop to the longer
		v = (v*(q-c.fade) + c.repeat(&c.before)*c.fade) / q
		c.fade--
	}
	if c.lost > ten { // a fifth less every 10 ms
		v = v * (6*ten - c.lost) / (5 * ten)
	}
	c.lost++
	return clip(v)
}

// lengthen makes the loop one pitch period longer.
func (c *Concealer) lengthen() {
	c.before = c.voice
	c.voice.length += c.period
	// The same place in the pitch period, in the oldest of the periods.
	c.voice.at = c.before.at % c.period
	c.fade = c.overlap()
}

// repeat gives the loop's next sample. The last quarter of a pitch period is
// blended with what stood before the loop, so that its end meets its start.
func (c *Concealer) repeat(l *loop) int {
	start := len(c.frozen) - l.length
	v := int(c.frozen[start+l.at])
	q := c.overlap()
	if in := l.at - (l.length - q); in >= 0 {
		w := in + 1
		v = (v*(q+1-w) + int(c.frozen[start+l.at-l.length])*w) / (q + 1)
	}
	if l.at++; l.at == l.length {
		l.at = 0
	}
	return v
}

func clip(v int) int { return min(max(v, -32768), 32767) }
