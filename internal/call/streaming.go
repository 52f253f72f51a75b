package call

import "github.com/tipring/tipring/internal/event"

// streamState is how far a connection's media streaming is. Memos have its
// numbers.
type streamState uint8

const (
	streamOff streamState = iota
	streamOpening
	streamUp
	streamClosing
)

func (m *Machine) startStreaming(c *connection, cmd StartStreaming) error {
	switch {
	case c.streaming == nil:
		return Errorf(Invalid, "The call was answered without mediaStreamingOptions.")
	case c.stream != streamOff:
		return Errorf(NotNow, "Media streaming has already been started.")
	}
	m.openStream(c, cmd.Operation)
	return nil
}

func (m *Machine) openStream(c *connection, op Operation) {
	c.stream, c.streamOp = streamOpening, op
	m.do(OpenStream{c.id, *c.streaming})
}

func (m *Machine) stopStreaming(c *connection, cmd StopStreaming) error {
	if c.stream != streamOpening && c.stream != streamUp {
		return Errorf(NotNow, "Media streaming is not running.")
	}
	c.streamOp = cmd.Operation
	m.closeStream(c)
	return nil
}

// closeStream ends a connection's streaming if it runs; StreamDown follows.
func (m *Machine) closeStream(c *connection) {
	if c.stream == streamOpening || c.stream == streamUp {
		c.stream = streamClosing
		m.do(CloseStream{c.id})
	}
}

func (m *Machine) streamUp(in StreamUp) {
	if c := m.connection(in.Connection); c != nil && c.stream == streamOpening {
		c.stream = streamUp
		m.publish(c, c.streamOp, event.MediaStreamingStarted{})
	}
}

func (m *Machine) streamDown(in StreamDown) {
	c := m.connection(in.Connection)
	if c == nil || c.stream == streamOff {
		return
	}
	was := c.stream
	c.stream = streamOff
	if was != streamClosing { // it ended by itself: what it had is to be given back
		m.do(CloseStream{c.id})
	}
	switch {
	case in.Err == nil || was == streamClosing:
		m.publish(c, c.streamOp, event.MediaStreamingStopped{})
	case was == streamOpening:
		m.publish(c, c.streamOp, event.MediaStreamingFailed{Cause: event.StreamUnreachable})
	default:
		m.publish(c, c.streamOp, event.MediaStreamingFailed{Cause: event.StreamBroken})
	}
	if c.leaving {
		m.disconnect(c, event.EndedByApp)
	}
}
