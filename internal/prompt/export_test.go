package prompt

// Wait waits until all downloads have ended.
func (l *Library) Wait() { l.loading.Wait() }
