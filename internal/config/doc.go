// Package config is the one page of settings of a tipring server.
//
// # What it does
//
// [Config] has a field for each flag of `tipring serve`, with its default and
// its meaning in the tags. [Config.Validate] refuses what makes no sense and
// names the flag to blame; a few methods give what follows from several flags
// together: the access keys, the networks an app may send us to, the
// connection string.
//
// # How it works
//
// The command line parser (kong) reads the tags. A flag precedes its variable
// in the environment (TIPRING_ and the flag's name), which precedes a key of
// the file named by --config ([File]), which precedes the default. As long as
// every listener is on loopback the server runs without a secret, on a key that
// is published here; anything else needs one of the operator's own.
//
// # How to use it
//
//	cfg := config.Default()
//	cfg.HTTP = "127.0.0.1:0"
//	if err := cfg.Validate(); err != nil { … }
package config
