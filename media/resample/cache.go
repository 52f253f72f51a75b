package resample

import "sync"

// banks are the banks made so far, so that a prompt begins without making one.
// Whoever plays files of ever new rates makes ever new banks: beyond maxBanks
// (of at most some 160 KB) all are forgotten.
var banks struct {
	sync.Mutex
	made map[[2]int]*bank
}

const maxBanks = 64

func bankFor(l, m int) *bank {
	banks.Lock()
	defer banks.Unlock()
	key := [2]int{l, m}
	if b := banks.made[key]; b != nil {
		return b
	}
	if banks.made == nil || len(banks.made) >= maxBanks {
		banks.made = make(map[[2]int]*bank)
	}
	b := newBank(l, m)
	banks.made[key] = b
	return b
}
