//go:build !linux

package main

// Only Linux holds a process to a core so easily.
func pinSelf(int, int) error { return nil }

func pinned(_, _ int, start func() error) error { return start() }

func prefer(int) {}
