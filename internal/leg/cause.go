package leg

import "errors"

// CauseOf is what an error of Transfer, or of a leg that could not be had,
// means: what it says by a method LegCause() Cause, else Failed.
func CauseOf(err error) Cause {
	var told interface{ LegCause() Cause }
	if errors.As(err, &told) {
		return told.LegCause()
	}
	return Failed
}
