package dtmf

import (
	"math"

	"github.com/tipring/tipring/media"
)

// A kernel is a low-pass of odd length, of which one sample in factor is kept.
type kernel struct {
	factor int
	reach  int // taps on each side of the middle
	middle float32
	sides  []tap
}

// tap weighs the two samples that are this far from the middle. Taps of
// nothing, every factor-th, are left out.
type tap struct {
	far    int
	weight float32
}

// mostReach is the reach of the longest kernel.
const mostReach = 17

// The kernels: by two and by three, and with the wide slope that is enough when
// another follows.
var (
	byTwo       = newKernel(2, 11)
	byThree     = newKernel(3, mostReach)
	byTwoWide   = newKernel(2, 7)
	byThreeWide = newKernel(3, 11)
)

// kernels are the stages from a rate down to 8 kHz.
func kernels(rate media.Rate) (first, second *kernel) {
	switch rate {
	case media.Rate16k:
		return byTwo, nil
	case media.Rate24k:
		return byThree, nil
	case media.Rate32k:
		return byTwoWide, byTwo
	case media.Rate48k:
		return byThreeWide, byTwo
	}
	return nil, nil
}

func newKernel(factor, reach int) *kernel {
	weights := make([]float64, reach+1)
	sum := 0.0
	for k := range weights {
		ideal := 1.0
		if k > 0 {
			x := math.Pi * float64(k) / float64(factor)
			ideal = math.Sin(x) / x
		}
		weights[k] = ideal * (0.54 + 0.46*math.Cos(math.Pi*float64(k)/float64(reach+1))) // Hamming
		sum += weights[k]
		if k > 0 {
			sum += weights[k]
		}
	}
	k := &kernel{factor: factor, reach: reach, middle: float32(weights[0] / sum)}
	for far := 1; far <= reach; far++ {
		if far%factor != 0 {
			k.sides = append(k.sides, tap{far, float32(weights[far] / sum)})
		}
	}
	return k
}

// run filters line, which is 2·reach samples of before and then new ones, into
// out, and moves the last 2·reach to its front.
func (k *kernel) run(out, line []float32) {
	if k == byTwo {
		halve(out, line)
	} else {
		k.each(out, line)
	}
	copy(line, line[len(line)-2*k.reach:])
}

// halve is each, for the kernel that most sound goes through.
func halve(out, line []float32) {
	c, s := byTwo.middle, (*[6]tap)(byTwo.sides)
	c1, c3, c5, c7, c9, c11 := s[0].weight, s[1].weight, s[2].weight, s[3].weight, s[4].weight, s[5].weight
	for i := range out {
		x := (*[23]float32)(line[2*i:])
		near := c*x[11] + c1*(x[10]+x[12]) + c3*(x[8]+x[14])
		far := c5*(x[6]+x[16]) + c7*(x[4]+x[18])
		out[i] = near + far + (c9*(x[2]+x[20]) + c11*(x[0]+x[22]))
	}
}

func (k *kernel) each(out, line []float32) {
	for i := range out {
		at := k.reach + i*k.factor
		sum := k.middle * line[at]
		for _, tap := range k.sides {
			sum += tap.weight * (line[at-tap.far] + line[at+tap.far])
		}
		out[i] = sum
	}
}

// A thinner brings frames of any rate down to 8 kHz, in one stage or two. It
// keeps what a digit needs, up to 1.7 kHz and its harmonics, and lets nothing
// fold into that.
type thinner struct {
	rate  media.Rate
	wide  [2 * mostReach]float32 // the end of what was before the first stage …
	small [2 * mostReach]float32 // … and the second
}

// set prepares for a rate. A change forgets the sound before.
func (t *thinner) set(rate media.Rate) {
	if t.rate != rate {
		t.rate = rate
		t.forget()
	}
}

// forget takes silence for the sound before.
func (t *thinner) forget() {
	clear(t.wide[:])
	clear(t.small[:])
}

// delay is how many samples at 8 kHz the sound comes late.
func (t *thinner) delay() int64 {
	first, second := kernels(t.rate)
	switch {
	case first == nil:
		return 0
	case second == nil:
		return int64(math.Round(float64(first.reach) / float64(first.factor)))
	}
	after := float64(first.reach)/float64(first.factor) + float64(second.reach)
	return int64(math.Round(after / float64(second.factor)))
}

// thin makes the 160 samples at 8 kHz of a frame at t's rate.
func (t *thinner) thin(out []float32, pcm []int16) {
	first, second := kernels(t.rate)
	if first == nil {
		for i := range out {
			out[i] = float32(pcm[i])
		}
		return
	}
	t.stages(first, second, out, pcm)
}

// stages has its lines on the stack: only their ends are kept, so that a port
// of a telephone, which has no use for them, does not hold them either.
func (t *thinner) stages(first, second *kernel, out []float32, pcm []int16) {
	var wide [2*mostReach + media.MaxSamples]float32
	before := t.wide[:2*first.reach]
	line := wide[:len(before)+len(pcm)]
	copy(line, before)
	for i, v := range pcm {
		line[len(before)+i] = float32(v)
	}
	if second == nil {
		first.run(out, line)
		copy(before, line)
		return
	}
	var small [2*mostReach + 2*frameLen]float32
	between := t.small[:2*second.reach]
	next := small[:len(between)+len(pcm)/first.factor]
	copy(next, between)
	first.run(next[len(between):], line)
	second.run(out, next)
	copy(before, line)
	copy(between, next)
}
