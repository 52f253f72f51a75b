package acs

// A Result is the resultInformation of an event: a code in the manner of HTTP,
// a subcode, and a message for people.
type Result struct {
	Code    int    `json:"code"`
	SubCode int    `json:"subCode"`
	Message string `json:"message"`
}

// Results as the service was recorded to send them, its spelling included.
var (
	ResultOK        = Result{200, 0, ""}
	ResultCompleted = Result{200, 0, "Action completed successfully."}
	ResultCanceled  = Result{400, 8508, "Action falied, the operation was cancelled."}

	PlayBadFormat = Result{400, 8535, "Action failed, file format is invalid."}

	EndedByApp    = Result{200, 7000, "Call was ended by Azure Communication Service Call Automation API or a server bot. DiagCode: 0#7000.@"}
	EndedByCaller = Result{200, 540000, "Call ended successfully by local PSTN caller."}
	EndedOther    = Result{200, 5001, "This conversation has ended.. DiagCode: 0#5001.@"}

	StreamUnreachable = Result{400, 8581, "Action failed, Transport url is not valid or web socket server is not operational."}
)

// Results whose codes are documented; the words are ours.
var (
	PlayUnreachable = Result{400, 8536, "Action failed, the file could not be downloaded."}
	PlayNoSpeech    = Result{400, 8565, "Action failed, no speech engine is there to speak text or SSML."}
	PlayInternal    = Result{500, 9999, "Action failed for a reason inside the server."}

	RecognizeMaxDigits      = Result{200, 8531, "Action completed, all the tones asked for were received."}
	RecognizeStopTone       = Result{200, 8514, "Action completed, a stop tone was received."}
	RecognizeInterDigit     = Result{400, 8532, "Action failed, the time between two tones was too long."}
	RecognizeChoiceByTone   = Result{200, 8533, "Action completed, the tone of a choice was received."}
	RecognizeWrongTone      = Result{400, 8534, "Action failed, the tone received is that of no choice."}
	RecognizeInitialSilence = Result{400, 8510, "Action failed, no tone came in time."}
	RecognizePromptFailed   = Result{500, 8511, "Action failed, the prompt could not be played."}
	RecognizeInternal       = Result{500, 8512, "Action failed for a reason inside the server."}

	ToneStopped = Result{200, 7000, "Continuous recognition was stopped."}
	ToneFailed  = Result{500, 9999, "Continuous recognition failed."}

	EndedLast     = Result{200, 5002, "The last participant has left. DiagCode: 0#5002.@"}
	EndedTimeout  = Result{200, 560000, "The conversation has ended, nothing came from the far end. DiagCode: 0#560000.@"}
	EndedShutdown = Result{500, 8572, "The server was stopped."}
	EndedFailed   = Result{500, 9999, "The call broke off."}

	// Restarted ends what a server was at that was killed.
	Restarted = Result{500, 8572, "The server was restarted."}

	AnswerEnded = Result{400, 8528, "The call ended before it was established."}

	ConnectEnded = Result{400, 8528, "The call ended before the connection was made."}

	InviteDeclined    = Result{603, 8538, "The callee declined the call."}
	InviteBusy        = Result{486, 8539, "The callee is busy."}
	InviteNoAnswer    = Result{480, 8541, "The callee did not answer in time."}
	InviteUnreachable = Result{404, 8544, "The callee could not be reached: nobody is registered there and no way leads to it."}
	InviteCanceled    = Result{487, 8542, "The call was canceled before the callee answered."}
	InviteFailed      = Result{500, 9999, "The callee could not be called for a reason inside the server or its network."}

	CancelAddTooLate = Result{400, 8585, "The invitation is over: it was answered, refused or taken back before."}
	NotRemoved       = Result{400, 8558, "The participant was not in the call any more."}
	NotMoved         = Result{400, 8558, "The participant could not be moved: it was not in the other call any more, or that call is over."}

	TonesFailed = Result{500, 9999, "The tones could not be sent to the end."}

	StreamBroken = Result{500, 8603, "Action failed, the web socket connection was lost."}
)
