package sip

import (
	"github.com/tipring/tipring/internal/leg"
)

// statuses is what a cause becomes when it refuses a call that rings. After
// the answer every cause is a BYE.
var statuses = [...]int{
	leg.Normal:       480,
	leg.Canceled:     487,
	leg.Declined:     603,
	leg.Busy:         486,
	leg.Forbidden:    403,
	leg.NoAnswer:     480,
	leg.Unreachable:  404,
	leg.NoCodec:      488,
	leg.Overload:     503,
	leg.MediaTimeout: 480,
	leg.Shutdown:     503,
	leg.Failed:       500,
}

// statusOf is the status code that refuses a call for this cause.
func statusOf(c leg.Cause) int {
	if int(c) < len(statuses) {
		return statuses[c]
	}
	return 500
}

// causeOf is what the far end's refusal of our call means.
func causeOf(code int) leg.Cause {
	switch code {
	case 401, 403, 407:
		return leg.Forbidden
	case 404, 410, 484, 485, 502, 504, 604:
		return leg.Unreachable
	case 408, 480:
		return leg.NoAnswer
	case 415, 488, 606:
		return leg.NoCodec
	case 486, 600:
		return leg.Busy
	case 487:
		return leg.Canceled
	case 503:
		return leg.Overload
	case 603:
		return leg.Declined
	}
	return leg.Failed
}
