package leg_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/tipring/tipring/internal/leg"
)

type busy struct{}

func (busy) Error() string       { return "486" }
func (busy) LegCause() leg.Cause { return leg.Busy }

// An error says its cause through whatever is wrapped around it; one that knows
// none is a failure.
func TestCauseOf(t *testing.T) {
	for err, want := range map[error]leg.Cause{
		busy{}:                               leg.Busy,
		fmt.Errorf("transfer: %w", busy{}):   leg.Busy,
		errors.New("the disk is full"):       leg.Failed,
		errors.Join(errors.New("x"), busy{}): leg.Busy,
	} {
		if got := leg.CauseOf(err); got != want {
			t.Errorf("%v: %v, want %v", err, got, want)
		}
	}
}
