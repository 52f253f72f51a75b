//go:build unix

package journal_test

import (
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/journal"
)

// BenchmarkCommit: so many callers commit a memo of 2 KB and an event of 1 KB, and
// the event is removed later. Reported are commits a second, how long one takes,
// and the CPU of all for one.
func BenchmarkCommit(b *testing.B) {
	for _, sync := range []bool{true, false} {
		for _, callers := range []int{1, 16, 256} {
			b.Run(fmt.Sprintf("sync=%v/callers=%d", sync, callers), func(b *testing.B) {
				commit(b, callers, sync)
			})
		}
	}
}

func commit(b *testing.B, callers int, durable bool) {
	l, err := journal.Open(journal.Config{Dir: b.TempDir(), NoSync: !durable})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	memo, event := strings.Repeat("m", 2000), strings.Repeat("e", 1000)
	work := make(chan int, callers)
	var everybody sync.WaitGroup
	var mu sync.Mutex
	var waited time.Duration
	for c := range callers {
		everybody.Go(func() {
			var mine time.Duration
			for n := range work {
				id := fmt.Sprintf("item/%d", n)
				began := time.Now()
				if err := l.Commit(b.Context(), put(fmt.Sprintf("call/%d", c), memo), put(id, event)); err != nil {
					b.Error(err)
				}
				mine += time.Since(began)
				l.Later(gone(id))
			}
			mu.Lock()
			waited += mine
			mu.Unlock()
		})
	}
	before, n := cpu(), 0
	for b.Loop() {
		work <- n
		n++
	}
	close(work)
	everybody.Wait()
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "commits/s")
	b.ReportMetric(float64(waited.Microseconds())/float64(n), "µs/wait")
	b.ReportMetric(float64((cpu()-before).Microseconds())/float64(n), "cpu-µs/commit")
}

func cpu() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkOpen: 1,000 calls' memos of 2 KB and 10,000 items of 1 KB, each
// committed by itself, are opened and all of them read.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	l, err := journal.Open(journal.Config{Dir: dir, NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	memo, item := strings.Repeat("m", 2000), strings.Repeat("i", 1000)
	for i := range 10_000 {
		records := []journal.Record{put(fmt.Sprintf("item/%d", i), item)}
		if i%10 == 0 {
			records = append(records, put(fmt.Sprintf("call/%d", i/10), memo))
		}
		if err := l.Commit(b.Context(), records...); err != nil {
			b.Fatal(err)
		}
	}
	l.Close()
	var opening, reading time.Duration
	for b.Loop() {
		began := time.Now()
		l, err := journal.Open(journal.Config{Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		opening += time.Since(began)
		began = time.Now()
		n := 0
		for _, prefix := range []string{"call/", "item/"} {
			if err := l.Each(prefix, func(string, []byte) error { n++; return nil }); err != nil {
				b.Fatal(err)
			}
		}
		if n != 11_000 {
			b.Fatalf("%d records", n)
		}
		reading += time.Since(began)
		l.Close()
	}
	b.ReportMetric(float64(opening.Milliseconds())/float64(b.N), "ms-open")
	b.ReportMetric(float64(reading.Milliseconds())/float64(b.N), "ms-read")
}

func BenchmarkGet(b *testing.B) {
	l, err := journal.Open(journal.Config{Dir: b.TempDir(), NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	if err := l.Commit(b.Context(), put("repeat/1", strings.Repeat("r", 2000))); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := l.Get("repeat/1"); err != nil {
			b.Fatal(err)
		}
	}
}
