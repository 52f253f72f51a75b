//go:build !linux

package main

import "time"

// Only Linux holds a process to a core so easily.
func pinSelf(int, int) error { return nil }

func pinned(_, _ int, start func() error) error { return start() }

func prefer(int) {}

var began = time.Now()

// threadTime is wall-clock time: good enough on a machine that does nothing else.
func threadTime() time.Duration { return time.Since(began) }
