package resample

// chunk is how many input samples an engine takes at once.
const chunk = 240

// An engine converts a stream of samples by one ratio.
type engine interface {
	// run takes at most chunk samples and writes what they give.
	run(dst, src []float32) int
	// prime forgets everything and takes pre, its last sample the newest, as
	// the past. The next samples written are those at phase/L past the next
	// sample taken (L: reduced output rate), delay() of them from before.
	prime(pre []float32, phase int)
	// delay is how many output samples late the sound comes.
	delay() int
	// memory is how many input samples of the past matter.
	memory() int
}

// A shape is the rows of a stage: which factor, and how far the kernel reaches.
type shape struct{ factor, half int }

// upRows and downRows are every shape there is.
var (
	upRows   = everyShape(upRow)
	downRows = everyShape(downRow)
)

func everyShape(one func(s shape, r int) []float32) map[shape][][]float32 {
	all := make(map[shape][][]float32)
	for _, s := range []shape{{2, sharp}, {3, sharp}, {2, wide}, {3, wide}} {
		for r := 1; r < s.factor; r++ {
			all[s] = append(all[s], one(s, r))
		}
	}
	return all
}

// upRow gives the sound r/factor past a sample.
func upRow(s shape, r int) []float32 {
	return row(2*s.half, 1, func(i int) float64 {
		return kernel(float64(i-s.half+1)-float64(r)/float64(s.factor), s.half)
	})
}

// downRow meets the samples r past each factor-th one. The factor-th ones
// themselves weigh 1/factor at the centre and 0 elsewhere.
func downRow(s shape, r int) []float32 {
	return row(2*s.half, 1/float64(s.factor), func(i int) float64 {
		return kernel(float64(i-s.half)+float64(r)/float64(s.factor), s.half)
	})
}

// An up stage multiplies the rate by a small factor. Every factor-th output is
// an input as it was; the others are rows of the kernel between two inputs.
type up struct {
	half int
	rows [][]float32 // rows[r-1] is r/factor past a sample
	buf  []float32   // 2·half − 1 samples of the past, then a chunk
}

func newUp(factor, half, most int) *up {
	return &up{half: half, rows: upRows[shape{factor, half}], buf: make([]float32, 2*half-1+most)}
}

func (u *up) run(dst, src []float32) int {
	past := 2*u.half - 1
	copy(u.buf[past:], src)
	factor, n := len(u.rows)+1, len(src)
	dst = dst[:n*factor]
	for p := range n {
		window := u.buf[p : p+2*u.half]
		out := dst[p*factor : (p+1)*factor]
		out[0] = window[u.half-1]
		for r, taps := range u.rows {
			out[r+1] = dot(window, taps)
		}
	}
	copy(u.buf, u.buf[n:n+past])
	return len(dst)
}

// A down stage divides the rate by a small factor. Its input is dealt out to
// as many lanes; lane 0 has the centres, each other lane meets a row of the
// kernel, and the zeros of the kernel are never met at all.
type down struct {
	half  int
	rows  [][]float32 // rows[r-1] is for lane r
	lanes [][]float32 // 2·half − 1 samples of the past, then a chunk's share
	next  int         // the lane of the next sample
}

func newDown(factor, half, most int) *down {
	d := &down{half: half, rows: downRows[shape{factor, half}], lanes: make([][]float32, factor)}
	for r := range d.lanes {
		d.lanes[r] = make([]float32, 2*half-1+most/factor+2)
	}
	return d
}

func (d *down) run(dst, src []float32) int {
	factor, past := len(d.lanes), 2*d.half-1
	lane, at := d.next, past
	for _, v := range src {
		d.lanes[lane][at] = v
		if lane++; lane == factor {
			lane, at = 0, at+1
		}
	}
	d.next = lane
	n := at - past
	centre := 1 / float32(factor)
	for m := range n {
		sum := centre * d.lanes[0][m+d.half]
		for r, taps := range d.rows {
			sum += dot(d.lanes[r+1][m:m+2*d.half], taps)
		}
		dst[m] = sum
	}
	for _, l := range d.lanes { // the past, and what is dealt already of the next
		copy(l, l[n:n+past+1])
	}
	return n
}

// A cascade is one to three stages, one after another. The sharp one stands at
// the lowest rate; beside it the others need only a wide kernel.
type cascade struct {
	stages      []interface{ run(dst, src []float32) int }
	factor      int // of the whole; negative: down
	late, reach int // delay in outputs, memory in inputs
	left, right []float32
	scratch     []float32
}

// factors is how a whole ratio is made of stages, from the lowest rate on.
func factors(ratio int) []int {
	switch ratio {
	case 2, 3:
		return []int{ratio}
	case 4:
		return []int{2, 2}
	case 6:
		return []int{2, 3}
	case 12:
		return []int{2, 3, 2}
	}
	return nil
}

// reach is how many input samples of the past matter to a cascade from rate m
// to rate l, one of which is 1: a whole number of outputs' worth.
func reach(l, m int) int { return (2*sharp + 2*wide + 2*wide) * max(m/l, 1) }

func newUpCascade(ratio int) *cascade {
	c := &cascade{factor: ratio}
	most, half := chunk, sharp
	for _, f := range factors(ratio) {
		c.stages = append(c.stages, newUp(f, half, most))
		c.late = (c.late + half) * f
		most, half = most*f, wide
	}
	c.reach = reach(ratio, 1)
	c.scratchFor(most)
	return c
}

func newDownCascade(ratio int) *cascade {
	c := &cascade{factor: -ratio}
	steps := factors(ratio)
	most := chunk
	for i := len(steps) - 1; i >= 0; i-- {
		half := wide
		if i == 0 {
			half = sharp
		}
		f := steps[i]
		c.stages = append(c.stages, newDown(f, half, most))
		c.late = c.late/f + half - 1 // divides: wide − 1 is a multiple of 2 and 3
		most = most/f + 1
	}
	c.reach = reach(1, ratio)
	c.scratchFor(chunk)
	return c
}

func (c *cascade) scratchFor(n int) {
	c.left, c.right, c.scratch = make([]float32, n), make([]float32, n), make([]float32, n)
}

func (c *cascade) run(dst, src []float32) int {
	last := len(c.stages) - 1
	a, b := c.left, c.right
	for _, s := range c.stages[:last] {
		n := s.run(a, src)
		src = a[:n]
		a, b = b, a
	}
	return c.stages[last].run(dst, src)
}

func (c *cascade) delay() int  { return c.late }
func (c *cascade) memory() int { return c.reach }

func (c *cascade) prime(pre []float32, _ int) {
	for _, s := range c.stages {
		switch s := s.(type) {
		case *up:
			clear(s.buf)
		case *down:
			for _, l := range s.lanes {
				clear(l)
			}
			s.next = 0
		}
	}
	if c.factor < 0 {
		pre = pre[len(pre)%-c.factor:]
	}
	for len(pre) > 0 {
		n := min(len(pre), chunk)
		c.run(c.scratch, pre[:n])
		pre = pre[n:]
	}
}
