package acs

import (
	"fmt"
	"strings"
)

// symbols and tones run in step: the symbol of a key and its name in JSON.
const symbols = "0123456789ABCD#*"

// Tones are the names of the sixteen keys.
var Tones = []string{
	"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
	"a", "b", "c", "d", "pound", "asterisk",
}

// ToneOf names a symbol (0-9 * # A-D); empty for any other byte.
func ToneOf(symbol byte) string {
	if i := strings.IndexByte(symbols, symbol); i >= 0 {
		return Tones[i]
	}
	return ""
}

// TonesOf names the symbols of digits, in order. It is never nil, so that no
// digits are written as an empty list.
func TonesOf(digits string) []string {
	names := make([]string, 0, len(digits))
	for i := range len(digits) {
		if name := ToneOf(digits[i]); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// Symbol is the key that a tone name stands for. Case does not matter.
func Symbol(tone string) (byte, error) {
	for i, name := range Tones {
		if strings.EqualFold(name, tone) {
			return symbols[i], nil
		}
	}
	return 0, fmt.Errorf("%q is not a tone; allowed: %s", tone, strings.Join(Tones, ", "))
}
