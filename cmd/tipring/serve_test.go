package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/tipring/tipring/internal/config"
)

type somewhere struct{ config.Config }

func (somewhere) HTTPAddr() string { return "127.0.0.1:8080" }
func (somewhere) SIPAddr() string  { return "127.0.0.1:5070" }
func (somewhere) CAFile() string   { return "/data/certificates/ca.pem" }
func (s somewhere) ConnectionString() string {
	return s.Config.ConnectionString(s.Public("127.0.0.1:8443"))
}

// TestPage: a newcomer finds what to do next.
func TestPage(t *testing.T) {
	c := config.Default()
	var out strings.Builder
	page(&out, c, somewhere{c})
	for _, want := range []string{
		"endpoint=https://localhost:8443/;accesskey=" + config.DevelopmentKey,
		"endpoint=http://127.0.0.1:8080/;accesskey=" + config.DevelopmentKey,
		"export NODE_EXTRA_CA_CERTS=/data/certificates/ca.pem",
		"sip:127.0.0.1:5070", "tipring call +15550199 --server 127.0.0.1:5070",
		"give --events URL", "none are used yet",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, out.String())
		}
	}

	c.Events, c.AccessKeys = []string{"https://app.example.com/events"}, []string{"MDEyMzQ1Njc4OTAxMjM0NTY3ODk="}
	out.Reset()
	page(&out, c, somewhere{c})
	if !strings.Contains(out.String(), c.Events[0]) || strings.Contains(out.String(), "published") {
		t.Errorf("the page of a configured server:\n%s", out.String())
	}
}

// parse reads a command line as main does, without running it.
func parse(t *testing.T, args ...string) (commands, error) {
	t.Helper()
	var c commands
	parser, err := kong.New(&c, kong.Name("tipring"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(args)
	return c, err
}

func TestServeReadsItsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tipring.yaml")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("sip: 127.0.0.1:7000\nhttp: 127.0.0.1:7001\nuser: [alice:secret]\n")
	for name, args := range map[string][]string{
		"flag":            {"serve", "--config", path, "--http", "127.0.0.1:7002"},
		"default command": {"--config", path, "--http", "127.0.0.1:7002"},
		"variable":        {"--http", "127.0.0.1:7002"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "variable" {
				t.Setenv("TIPRING_CONFIG", path)
			}
			c, err := parse(t, args...)
			if err != nil {
				t.Fatal(err)
			}
			if s := c.Serve; s.SIP != "127.0.0.1:7000" || s.HTTP != "127.0.0.1:7002" || len(s.Users) != 1 || s.Users[0].Name != "alice" {
				t.Errorf("got %+v", s.Config)
			}
		})
	}
	write("sip: 127.0.0.1:7000\nshoe-size: 46\n")
	if _, err := parse(t, "--config", path); err == nil || !strings.Contains(err.Error(), "shoe-size") {
		t.Errorf("an unknown key: %v", err)
	}
	if _, err := parse(t, "--config", path+".nowhere"); err == nil {
		t.Error("a file that is not there is no error")
	}
}

func TestWrongUseEndsWithStatus2(t *testing.T) {
	for _, args := range [][]string{{"--no-such-flag"}, {"no-such-command"}, {"--http=8080"}, {"serve", "--drain=later"}} {
		if status := run(args); status != 2 {
			t.Errorf("%v: status %d", args, status)
		}
	}
}

func TestVersion(t *testing.T) {
	if status := run([]string{"version"}); status != 0 {
		t.Errorf("status %d", status)
	}
	if v := version(); !strings.HasPrefix(v, "tipring ") || !strings.Contains(v, "go1.") {
		t.Errorf("version is %q", v)
	}
}
