package codec

import (
	"io"

	zafg711 "github.com/zaf/g711"
)

// The laws look at the upper bits of a sample only: µ-law at 14, A-law at 12.
// So a table has an entry for each step.
const (
	muLawShift = 2
	aLawShift  = 4
)

var (
	muLawCodes  = codes(muLawShift, zafg711.EncodeUlawFrame)
	aLawCodes   = codes(aLawShift, zafg711.EncodeAlawFrame)
	muLawValues = values(zafg711.DecodeUlawFrame)
	aLawValues  = values(zafg711.DecodeAlawFrame)
)

// codes is the table of a law: the code of each step, by the sample's upper
// bits taken as unsigned.
func codes(shift int, encode func(int16) uint8) []byte {
	table := make([]byte, 1<<(16-shift))
	for i := range table {
		table[i] = encode(int16(i << shift))
	}
	return table
}

func values(decode func(uint8) int16) *[256]int16 {
	var table [256]int16
	for i := range table {
		table[i] = decode(uint8(i))
	}
	return &table
}

// muLaw is G.711 µ-law, both ways; it has no state.
type muLaw struct{}

func (muLaw) Encode(dst []byte, pcm []int16) int {
	table := (*[1 << (16 - muLawShift)]byte)(muLawCodes)
	n := min(len(dst), len(pcm))
	dst = dst[:n]
	for i, s := range pcm[:n] {
		dst[i] = table[uint16(s)>>muLawShift]
	}
	return n
}

func (muLaw) Decode(pcm []int16, src []byte) (int, error) { return expand(pcm, src, muLawValues) }

// aLaw is G.711 A-law, both ways; it has no state.
type aLaw struct{}

func (aLaw) Encode(dst []byte, pcm []int16) int {
	table := (*[1 << (16 - aLawShift)]byte)(aLawCodes)
	n := min(len(dst), len(pcm))
	dst = dst[:n]
	for i, s := range pcm[:n] {
		dst[i] = table[uint16(s)>>aLawShift]
	}
	return n
}

func (aLaw) Decode(pcm []int16, src []byte) (int, error) { return expand(pcm, src, aLawValues) }

func expand(pcm []int16, src []byte, table *[256]int16) (int, error) {
	n := min(len(pcm), len(src))
	pcm = pcm[:n]
	for i, c := range src[:n] {
		pcm[i] = table[c]
	}
	if n < len(src) {
		return n, io.ErrShortBuffer
	}
	return n, nil
}
