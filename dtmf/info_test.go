package dtmf_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tipring/tipring/dtmf"
)

func TestParseInfo(t *testing.T) {
	const relay, plain = "application/dtmf-relay", "application/dtmf"
	for _, tt := range []struct {
		name, contentType, body string
		symbol                  byte // 0: an error
		duration                time.Duration
	}{
		{"as most send it", relay, "Signal=5\r\nDuration=160\r\n", '5', 160 * time.Millisecond},
		{"spaces, bare newlines", relay, "Signal = 5\nDuration = 250", '5', 250 * time.Millisecond},
		{"lower case, other order", "Application/DTMF-Relay; charset=utf-8", "duration=100\r\nsignal=d\r\n", 'D', 100 * time.Millisecond},
		{"no duration", relay, "Signal=*\r\n", '*', 0},
		{"numbers of events", relay, "Signal=11\r\nDuration=1\r\n", '#', time.Millisecond},
		{"the last of them", relay, "Signal=15\r\n", 'D', 0},
		{"other lines", relay, "X=1\r\nhello\r\nSignal=#\r\n", '#', 0},
		{"plain", plain, "7", '7', 0},
		{"plain with a newline", plain, "#\r\n", '#', 0},
		{"plain by number", plain, "10", '*', 0},
		{"a flash", relay, "Signal=hf\r\n", 0, 0},
		{"number 16", relay, "Signal=16\r\n", 0, 0},
		{"no signal", relay, "Duration=160\r\n", 0, 0},
		{"a duration that is none", relay, "Signal=1\r\nDuration=-5\r\n", 0, 0},
		{"a duration too long", relay, "Signal=1\r\nDuration=99999999999\r\n", 0, 0},
		{"two digits", plain, "12345", 0, 0},
		{"nothing", plain, "", 0, 0},
		{"far too much", plain, strings.Repeat(" ", 5000) + "5", 0, 0},
		{"another type", "text/plain", "5", 0, 0},
		{"no type", "", "5", 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			symbol, duration, err := dtmf.ParseInfo(tt.contentType, []byte(tt.body))
			if symbol != tt.symbol || duration != tt.duration || (err != nil) != (tt.symbol == 0) {
				t.Errorf("got %q, %v, %v; want %q, %v", symbol, duration, err, tt.symbol, tt.duration)
			}
		})
	}
}

func FuzzParseInfo(f *testing.F) {
	f.Add("application/dtmf-relay", []byte("Signal=5\r\nDuration=160\r\n"))
	f.Add("application/dtmf", []byte("#"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		symbol, duration, err := dtmf.ParseInfo(contentType, body)
		if err == nil && strings.IndexByte(dtmf.Symbols, symbol) < 0 || err != nil && (symbol != 0 || duration != 0) || duration < 0 {
			t.Errorf("%q, %v, %v", symbol, duration, err)
		}
	})
}
