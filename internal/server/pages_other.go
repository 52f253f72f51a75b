//go:build !linux || race

package server

// hugePages does nothing: only Linux is asked, and not under the race detector,
// which keeps a shadow of all memory that was ever taken.
func hugePages() {}
