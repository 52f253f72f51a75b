package acs

// ErrorBody is the body of every answer that is not a success.
type ErrorBody struct {
	Error Error `json:"error"`
}

// An Error says what went wrong. Code is a number spelled as text.
type Error struct {
	Code       string  `json:"code"`
	Message    string  `json:"message"`
	Target     string  `json:"target,omitempty"` // the argument that is wrong
	InnerError *Error  `json:"innererror,omitempty"`
	Details    []Error `json:"details,omitempty"`
}

// The subcodes that refuse a request.
const (
	CodeUnauthorized      = "7509" // the signature is missing or wrong
	CodeWrongState        = "8501"
	CodeConflict          = "8519"
	CodeUnsupported       = "8520"
	CodeNotFound          = "8522"
	CodeInvalid           = "8523"
	CodeGone              = "8528"
	CodeNotGroup          = "8548"
	CodeDuplicate         = "8553" // a recording that runs already
	CodeAbsent            = "8558" // the participant is not in the call
	CodeTwice             = "8559" // the participant is in the call, or invited, already
	CodeRecordingConflict = "8571"
	CodeNotPausable       = "8573"
	CodeIncompatible      = "8583"
	CodeNotNow            = "8585"
	CodeTransferConflict  = "8607"
	CodeUnknown           = "9999"
	CodeThrottled         = "TooManyRequests"
	CodeUnavailable       = "ServiceUnavailable"
	CodeDenied            = "Denied" // the bearer token does not count
)

// MessageUnauthorized is the text of CodeUnauthorized, as recorded.
const MessageUnauthorized = "HMAC-SHA256 validation failed"

// MessageDenied is the text of CodeDenied, as Microsoft's clients report it.
const MessageDenied = "Denied by the resource provider."
