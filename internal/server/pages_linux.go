//go:build !race

package server

import (
	"bytes"
	"math/bits"
	"os"
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// roomy is how much address space the heap gets in huge pages: enough for some
// thousand legs. Only what is used becomes memory.
const roomy = 1 << 28

// hugePages asks the system for pages of 2 MiB under the heap. A tick visits
// some twenty places of each leg's memory; with pages of 4 KiB most of its time
// at hundreds of legs goes into finding where they are. bench/README.md has the
// figures.
//
// Go has no word for this, so it is done by hand: the heap is made to grow at
// once, what it has grown by is advised, and given back to it. Where huge pages
// are on (always) or off (never) for everybody, it changes nothing.
var hugePages = sync.OnceFunc(func() {
	strict, err := os.ReadFile("/proc/sys/vm/overcommit_memory")
	if bits.UintSize < 64 || err != nil || bytes.HasPrefix(strict, []byte("2")) { // then address space is scarce
		return
	}
	b := make([]byte, roomy)
	const page = 1 << 21
	skip := -uintptr(unsafe.Pointer(&b[0])) % page
	_ = unix.Madvise(b[skip:len(b)-page+int(skip)], unix.MADV_HUGEPAGE) // else without
	runtime.KeepAlive(b)
	b = nil
	runtime.GC() // now, before anybody takes it for the size of our heap
})
