package stream

// SendRaw sends text as it is.
func SendRaw(c *Conn, text string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = append(c.out[:0], text...)
	return c.write()
}
