//go:build race

package e2e_test

// raceFlag has the server built as the tests are: with the race detector.
const raceFlag = "-race"
