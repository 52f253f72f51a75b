package resample

// A clip that begins or ends in the middle of a sound (a tone made to be
// looped, say) leaves the filter without a past or a future. With zeros there,
// the edge would be smeared and each repetition would click. So the sound is
// carried on beyond its edge by linear prediction (Burg's method, which is
// always stable), for the filter's eyes only: a tone goes on as a tone, noise
// fades out.

const (
	order = 24 // of the prediction: a dozen tones
	quiet = 32 // an edge with no louder sample needs no care
)

// A predictor has the memory that extend works in.
type predictor struct{ forward, backward []float64 }

// newPredictor makes one for edges of at most n samples.
func newPredictor(n int) *predictor {
	return &predictor{forward: make([]float64, n), backward: make([]float64, n)}
}

// extend writes to dst what may follow the samples of edge.
func (p *predictor) extend(dst, edge []int16) {
	n := min(len(edge), len(p.forward))
	edge = edge[len(edge)-n:]
	var peak float64
	for i, v := range edge {
		p.forward[i] = float64(v)
		peak = max(peak, p.forward[i], -p.forward[i])
	}
	near := edge[max(n-len(dst), 0):]
	if n < 4*order || silent(near) {
		clear(dst)
		return
	}
	a := p.burg(n)
	var last [order]float64 // the newest first
	for k := range last {
		last[k] = float64(edge[n-1-k])
	}
	for i := range dst {
		var v float64
		for k, c := range a {
			v -= c * last[k]
		}
		v = min(max(v, -peak), peak)
		copy(last[1:], last[:order-1])
		last[0] = v
		dst[i] = int16(v)
	}
}

func silent(pcm []int16) bool {
	for _, v := range pcm {
		if v > quiet || v < -quiet {
			return false
		}
	}
	return true
}

// burg finds the coefficients that predict p.forward[:n]: x[i] ≈ −Σ a[k]·x[i−1−k].
func (p *predictor) burg(n int) (a [order]float64) {
	f, b := p.forward[:n], p.backward[:n]
	copy(b, f)
	for m := range order {
		var num, den float64
		for i := n - 1; i > m; i-- {
			num += f[i] * b[i-1]
			den += f[i]*f[i] + b[i-1]*b[i-1]
		}
		if den == 0 {
			return a
		}
		k := -2 * num / den
		for i, j := 0, m-1; i <= j; i, j = i+1, j-1 {
			a[i], a[j] = a[i]+k*a[j], a[j]+k*a[i]
		}
		a[m] = k
		for i := n - 1; i > m; i-- {
			f[i], b[i] = f[i]+k*b[i-1], b[i-1]+k*f[i]
		}
	}
	return a
}

// reverse turns samples around, so that what was before can be predicted as
// what comes after.
func reverse(pcm []int16) {
	for i, j := 0, len(pcm)-1; i < j; i, j = i+1, j-1 {
		pcm[i], pcm[j] = pcm[j], pcm[i]
	}
}
