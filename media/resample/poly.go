package resample

// A bank is the rows of a polyphase filter for a ratio of from to into samples
// of another rate. Banks are immutable and shared.
type bank struct {
	l, m  int // the reduced rates: l outputs for m inputs
	half  int // taps to either side, in input samples
	steps int // rows: l of them, or fewer, between which to interpolate
	taps  []float32
}

// exactRows is the largest reduced rate up to which every phase has its row:
// enough for each pair of the usual rates (44,100 to 48,000 is 147 to 160,
// 11,025 to 48,000 is 147 to 640).
const exactRows = 640

// bankHalf is how many taps there are to either side: an even number, since
// the dot product goes by fours.
func bankHalf(l, m int) int { return (sharp*max(l, m)/l + 2) &^ 1 }

// newBank makes the bank of l outputs for m inputs.
func newBank(l, m int) *bank {
	narrow := min(1, float64(l)/float64(m)) // the lower rate, in input samples
	half := bankHalf(l, m)
	b := &bank{l: l, m: m, half: half, steps: l}
	rows := l
	if max(l, m) > exactRows {
		b.steps = max(int(256*narrow), 8)
		rows = b.steps + 1 // the last is the first, one sample on
	}
	b.taps = make([]float32, 0, rows*2*half)
	for p := range rows {
		phase := float64(p) / float64(b.steps)
		b.taps = append(b.taps, row(2*half, 1, func(i int) float64 {
			return sharpKernel((float64(i-half+1) - phase) * narrow)
		})...)
	}
	return b
}

func (b *bank) row(p int) []float32 { return b.taps[p*2*b.half : (p+1)*2*b.half] }

// at is the sound at phase/l past the middle of a window of 2·half samples.
func (b *bank) at(window []float32, phase int) float32 {
	if b.steps == b.l {
		return dot(window, b.row(phase))
	}
	place := float32(phase) * float32(b.steps) / float32(b.l)
	p := min(int(place), b.steps-1)
	low, high := dot(window, b.row(p)), dot(window, b.row(p+1))
	return low + (high-low)*(place-float32(p))
}

// poly is the engine for every ratio that is not a small whole number. It
// counts in l-ths of an input sample, so it never drifts.
type poly struct {
	*bank
	late   int // delay in outputs
	past   int // samples of the past in buf
	buf    []float32
	credit int // l-ths of input taken and not yet given as output; m for each
}

func newPoly(b *bank) *poly {
	p := &poly{bank: b}
	p.late, p.past = polySizes(b.l, b.m)
	p.buf = make([]float32, p.past+chunk)
	return p
}

// polySizes is the delay in outputs and the memory in inputs.
func polySizes(l, m int) (late, past int) {
	half := bankHalf(l, m)
	late = ((half+1)*l+m-1)/m - 1
	return late, ((late+2)*m+l-1)/l + half + 1
}

func (p *poly) run(dst, src []float32) int {
	copy(p.buf[p.past:], src)
	p.credit += len(src) * p.l
	newest := p.past + len(src) - 1
	back := p.credit + p.late*p.m - p.l // how long ago the next output was, in l-ths
	at := newest - (back+p.l-1)/p.l
	phase := (newest-at)*p.l - back
	whole, rest := p.m/p.l, p.m%p.l
	n := 0
	for ; p.credit >= p.m; p.credit -= p.m {
		dst[n] = p.at(p.buf[at-p.half+1:at+p.half+1], phase)
		n++
		at += whole
		if phase += rest; phase >= p.l {
			phase -= p.l
			at++
		}
	}
	copy(p.buf, p.buf[len(src):len(src)+p.past])
	return n
}

func (p *poly) delay() int  { return p.late }
func (p *poly) memory() int { return p.past }

func (p *poly) prime(pre []float32, phase int) {
	clear(p.buf)
	pre = pre[max(len(pre)-p.past, 0):]
	copy(p.buf[p.past-len(pre):], pre)
	p.credit = -phase
}
