package metric_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tipring/tipring/internal/metric"
)

func TestSetReadsWhatWasCounted(t *testing.T) {
	var s metric.Set
	s.Counter("refused_total", "reason", "strange", "refused").Add(2)
	s.Counter("refused_total", "reason", "big", "refused").Add(1)
	s.Counter("refused_total", "reason", "strange", "refused").Add(1)
	s.Gauge("calls", "", "", "calls now", func() float64 { return 7 })
	want := []metric.Reading{
		{Name: "calls", Help: "calls now", Gauge: true, Number: 7},
		{Name: "refused_total", Label: "reason", Value: "big", Help: "refused", Number: 1},
		{Name: "refused_total", Label: "reason", Value: "strange", Help: "refused", Number: 3},
	}
	if diff := cmp.Diff(want, s.Read()); diff != "" {
		t.Error(diff)
	}
}

func TestNilCountsNothing(t *testing.T) {
	var s *metric.Set
	c := s.Counter("x", "", "", "")
	c.Add(1)
	s.Gauge("y", "", "", "", func() float64 { return 1 })
	if c.Value() != 0 {
		t.Errorf("a nil counter counted %d", c.Value())
	}
}
