package main

import (
	"fmt"
	"runtime/debug"
)

type versionCmd struct{}

// Run prints one line: tipring v1.2.3, go1.26.0, commit 0123abc.
func (versionCmd) Run() error {
	_, err := fmt.Println(version())
	return err
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "tipring, built without module information"
	}
	number, commit, dirty := info.Main.Version, "unknown", ""
	if number == "" || number == "(devel)" {
		number = "development version"
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = " with changes"
		}
	}
	return fmt.Sprintf("tipring %s, %s, commit %s%s", number, info.GoVersion, commit, dirty)
}
