package wav

import (
	"encoding/binary"
	"math"

	zafg711 "github.com/zaf/g711"
)

// expander gives the function that turns len(dst) samples of an encoding into
// 16-bit ones, rounded to the nearest; nil for an encoding that is not known.
func expander(e Encoding, bits int) func(dst []int16, src []byte) {
	switch {
	case e == PCM && bits == 8:
		return expand8
	case e == PCM && bits == 16:
		return expand16
	case e == PCM && bits == 24:
		return expand24
	case e == PCM && bits == 32:
		return expand32
	case e == Float && bits == 32:
		return expandFloat32
	case e == Float && bits == 64:
		return expandFloat64
	case e == ALaw && bits == 8:
		return expandALaw
	case e == MuLaw && bits == 8:
		return expandMuLaw
	}
	return nil
}

func expand8(dst []int16, src []byte) { // unsigned, 128 is zero
	for i, b := range src[:len(dst)] {
		dst[i] = (int16(b) - 128) << 8
	}
}

func expand16(dst []int16, src []byte) {
	for i := range dst {
		dst[i] = int16(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

func expand24(dst []int16, src []byte) {
	for i := range dst {
		b := src[3*i : 3*i+3]
		v := int32(b[0])<<8 | int32(b[1])<<16 | int32(b[2])<<24
		dst[i] = upper(v)
	}
}

func expand32(dst []int16, src []byte) {
	for i := range dst {
		dst[i] = upper(int32(binary.LittleEndian.Uint32(src[4*i:])))
	}
}

// upper rounds 32 bits to their upper 16.
func upper(v int32) int16 {
	return int16(min((int64(v)+1<<15)>>16, math.MaxInt16))
}

func expandFloat32(dst []int16, src []byte) {
	for i := range dst {
		dst[i] = fromFloat(float64(math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))))
	}
}

func expandFloat64(dst []int16, src []byte) {
	for i := range dst {
		dst[i] = fromFloat(math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:])))
	}
}

// fromFloat scales ±1 to full scale, with saturation; what is not a number is
// silence.
func fromFloat(v float64) int16 {
	v = math.Floor(v*32768 + 0.5)
	switch {
	case v >= math.MaxInt16:
		return math.MaxInt16
	case v <= math.MinInt16:
		return math.MinInt16
	case v != v:
		return 0
	}
	return int16(v)
}

func expandALaw(dst []int16, src []byte) {
	for i, b := range src[:len(dst)] {
		dst[i] = zafg711.DecodeAlawFrame(b)
	}
}

func expandMuLaw(dst []int16, src []byte) {
	for i, b := range src[:len(dst)] {
		dst[i] = zafg711.DecodeUlawFrame(b)
	}
}

// mixDown writes the mean of the channels of each frame to dst.
func mixDown(dst, interleaved []int16, channels int) {
	if channels == 2 {
		for i := range dst {
			dst[i] = int16((int32(interleaved[2*i]) + int32(interleaved[2*i+1])) >> 1)
		}
		return
	}
	for i := range dst {
		var sum int64
		for _, v := range interleaved[i*channels : (i+1)*channels] {
			sum += int64(v)
		}
		dst[i] = int16(math.Floor(float64(sum) / float64(channels)))
	}
}
