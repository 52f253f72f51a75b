package server

import (
	"runtime"
	"sync"
)

// spare is how many threads may run Go code beyond one for each core.
const spare = 2

// cores is how many cores the process has. The first call lets more threads
// than that run Go code. A worker of the metronome is a thread that sleeps in
// the kernel; when it wakes it must not wait until a goroutine that signs or
// encodes lets go of the one slot per core that Go would allow. With threads to
// spare the kernel decides, and it prefers the worker. bench/README.md has the
// figures.
var cores = sync.OnceValue(func() int {
	n := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(n + spare)
	return n
})
