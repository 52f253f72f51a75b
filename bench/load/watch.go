package load

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is the unit of CPU time in /proc, USER_HZ, on every Linux.
const ticksPerSecond = 100

// A Look is what the server's process shows at one moment.
type Look struct {
	At          time.Time          `json:"at"`
	CPU         float64            `json:"cpu_s"`       // seconds of processor used so far
	RSS         uint64             `json:"rss_bytes"`   // memory in use
	Descriptors int                `json:"descriptors"` //
	Sockets     int                `json:"sockets"`     // of the descriptors
	Core        float64            `json:"core_s"`      // seconds that its core was busy for anybody
	Metrics     map[string]float64 `json:"metrics"`     // /metrics, summed over labels
}

// Watch looks at a server's process and at its metrics. core is the one that it
// is pinned to, -1 for none.
func Watch(ctx context.Context, addr string, pid, core int) (Look, error) {
	l := Look{At: time.Now()}
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	if text, err := os.ReadFile(filepath.Join(dir, "stat")); err == nil {
		_, after, _ := strings.Cut(string(text), ") ")
		if f := strings.Fields(after); len(f) > 12 {
			l.CPU = (number(f[11]) + number(f[12])) / ticksPerSecond
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, "statm")); err == nil {
		if f := strings.Fields(string(text)); len(f) > 1 {
			l.RSS = uint64(number(f[1])) * uint64(os.Getpagesize())
		}
	}
	if entries, err := os.ReadDir(filepath.Join(dir, "fd")); err == nil {
		for _, e := range entries {
			l.Descriptors++
			if to, _ := os.Readlink(filepath.Join(dir, "fd", e.Name())); strings.HasPrefix(to, "socket:") {
				l.Sockets++
			}
		}
	}
	l.Core = busy(core)
	var err error
	l.Metrics, err = metrics(ctx, addr)
	return l, err
}

func number(s string) float64 {
	n, _ := strconv.ParseFloat(s, 64)
	return n
}

// busy is for how many seconds a core has not been idle.
func busy(core int) float64 {
	text, err := os.ReadFile("/proc/stat")
	if err != nil || core < 0 {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 9 || f[0] != "cpu"+strconv.Itoa(core) {
			continue
		}
		sum := 0.0
		for i, s := range f[1:9] {
			if i != 3 && i != 4 { // idle, and idle waiting for a disk
				sum += number(s)
			}
		}
		return sum / ticksPerSecond
	}
	return 0
}

// metrics reads the server's own counters.
func metrics(ctx context.Context, addr string) (map[string]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/metrics", nil)
	if err != nil {
		return nil, fmt.Errorf("ask for metrics: %w", err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask for metrics: %w", err)
	}
	defer res.Body.Close()
	return readMetrics(res.Body)
}

func readMetrics(in io.Reader) (map[string]float64, error) {
	all := map[string]float64{}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		line := lines.Text()
		at := strings.LastIndexByte(line, ' ')
		if at < 0 || strings.HasPrefix(line, "#") {
			continue
		}
		name, _, _ := strings.Cut(line[:at], "{")
		all[name] += number(line[at+1:])
	}
	return all, lines.Err()
}
