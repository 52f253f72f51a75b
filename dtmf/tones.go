package dtmf

import (
	"time"

	"github.com/tipring/tipring/media"
)

// Tones is the sound of digits.
func Tones(digits string, on, off time.Duration, level float64) media.Source { return nil }
