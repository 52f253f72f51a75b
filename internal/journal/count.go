package journal

import (
	"context"
	"errors"

	"github.com/tipring/tipring/internal/metric"
)

// counters is what a Log counts.
type counters struct {
	set                       *metric.Set
	commits, records, cleaned *metric.Counter
}

func newCounters(s *metric.Set) counters {
	return counters{
		set:     s,
		commits: s.Counter("journal_commits_total", "", "", "Commits made durable"),
		records: s.Counter("journal_records_total", "", "", "Records made durable by commits"),
		cleaned: s.Counter("journal_cleaned_total", "", "", "Messages of the journal deleted because nothing of them is needed"),
	}
}

// gauges adds the numbers that are asked for.
func (l *Log) gauges(s *metric.Set) {
	s.Gauge("journal_bytes", "", "", "Bytes of the journal", func() float64 {
		l.mu.Lock()
		defer l.mu.Unlock()
		return float64(l.index.bytes)
	})
	s.Gauge("journal_live_bytes", "", "", "Bytes of the journal that are needed", func() float64 {
		l.mu.Lock()
		defer l.mu.Unlock()
		return float64(l.index.live)
	})
}

// failed counts commits, or records of Later, that were not written.
func (c counters) failed(reason string, n uint64) {
	c.set.Counter("journal_failed_total", "reason", reason, "Commits that failed, and records for later that were dropped").Add(n)
}

func (c counters) failedBy(err error) {
	switch {
	case errors.Is(err, ErrFull):
		c.failed("full", 1)
	case errors.Is(err, ErrClosed):
		c.failed("closed", 1)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		c.failed("canceled", 1)
	default:
		c.failed("disk", 1)
	}
}

// damaged counts what was found damaged on the disk.
func (c counters) damaged(reason string, n uint64) {
	c.set.Counter("journal_damaged_total", "reason", reason, "Damage found in the journal's files").Add(n)
}
