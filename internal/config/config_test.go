package config_test

import (
	"encoding/base64"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/tipring/tipring/internal/config"
)

const (
	oneKey   = "b25lIGtleSB0aGF0IGlzIGxvbmcgZW5vdWdo"
	otherKey = "YW5vdGhlciBrZXkgdGhhdCBpcyBsb25nIGVub3VnaA=="
)

func TestDefaults(t *testing.T) {
	want := config.Config{
		HTTP: "127.0.0.1:8080", HTTPS: "127.0.0.1:8443", SIP: "127.0.0.1:5060",
		MediaPorts: config.Ports{First: 16384, Last: 32767}, MediaTimeout: 30 * time.Second,
		Sync: true, Data: "./tipring-data", Drain: 5 * time.Second,
		TokenRotate: 720 * time.Hour, EntraAudience: "https://communication.azure.com",
	}
	got := config.Default()
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	if err := got.Validate(); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
}

// parse reads arguments and a file as the command line does.
func parse(t *testing.T, file string, args ...string) (config.Config, error) {
	t.Helper()
	var c config.Config
	var options []kong.Option
	if file != "" {
		f, err := config.Parse("tipring.yaml", strings.NewReader(file))
		if err != nil {
			return c, err
		}
		options = append(options, kong.Resolvers(f))
	}
	parser, err := kong.New(&c, options...)
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(args)
	return c, err
}

func TestBadValuesNameTheirFlag(t *testing.T) {
	public := []string{"--http=0.0.0.0:8080", "--access-key=" + oneKey}
	for _, c := range []struct {
		name string
		args []string
		want string // part of the error; empty: accepted
	}{
		{"nothing", nil, ""},
		{"free ports", []string{"--http=127.0.0.1:0", "--https=[::1]:0", "--sip=localhost:0"}, ""},
		{"no port", []string{"--http=127.0.0.1"}, "--http: \"127.0.0.1\" is not an address"},
		{"port out of range", []string{"--https=127.0.0.1:65536"}, "--https: \"127.0.0.1:65536\" has no port"},
		{"half an IP address", []string{"--sip=127.0.0:5060"}, "--sip: \"127.0.0\" is not an IP address"},
		{"URL for an address", []string{"--http=http://127.0.0.1:80"}, "--http: "},
		{"cert alone", []string{"--cert=a.pem"}, "--cert: needs --key"},
		{"key alone", []string{"--key=a.pem"}, "--key: needs --cert"},
		{"media IP", []string{"--media-ip=localhost"}, "--media-ip"},
		{"ports the wrong way round", []string{"--media-ports=200-100"}, "--media-ports: 200-100 has no two ports"},
		{"ports without end", []string{"--media-ports=200"}, "--media-ports"},
		{"one port", []string{"--media-ports=200-200"}, "--media-ports"},
		{"timeout", []string{"--media-timeout=0s"}, "--media-timeout"},
		{"not a duration", []string{"--drain=soon"}, "--drain"},
		{"less than nothing", []string{"--drain=-1s"}, "--drain: -1s"},
		{"not base64", []string{"--access-key=?"}, "--access-key: number 1 is not base64"},
		{"short key", []string{"--access-key=" + oneKey, "--access-key=c2hvcnQ="}, "--access-key: number 2 has 5 bytes"},
		{"three keys", []string{"--access-key=" + oneKey, "--access-key=" + otherKey, "--access-key=" + oneKey}, "--access-key: two at most"},
		{"two keys", []string{"--access-key=" + oneKey, "--access-key=" + otherKey}, ""},
		{"not CIDR", []string{"--allow-net=10.0.0.0"}, "--allow-net"},
		{"events", []string{"--events=app.example.com"}, "--events: \"app.example.com\" is not a URL"},
		{"public URL", []string{"--public-url=ftp://example.com"}, "--public-url"},
		{"trunk", []string{"--trunk=trunk.example.com"}, "--trunk: not a SIP URI"},
		{"trunk with all", []string{"--trunk=sip:user:p@ss@trunk.example.com:5070;register"}, ""},
		{"trunk port", []string{"--trunk=sip:trunk.example.com:0"}, "--trunk: its port"},
		{"user", []string{"--user=alice"}, "--user"},
		{"user twice", []string{"--user=alice:a", "--user=alice:b"}, "--user: alice is named twice"},
		{"rotation without pause", []string{"--token-rotate=0s"}, "--token-rotate: 0s is less than 1s"},
		{"issuer", []string{"--entra-issuer=https://login.example.com/tenant/v2.0"}, ""},
		{"issuer on this machine", []string{"--entra-issuer=http://127.0.0.1:9/tenant"}, ""},
		{"issuer in the clear", []string{"--entra-issuer=http://login.example.com/tenant"}, "--entra-issuer: \"http://login.example.com/tenant\" is not https"},
		{"issuer without a host", []string{"--entra-issuer=tenant"}, "--entra-issuer: \"tenant\" is not a URL"},
		{"tokens for anybody", []string{"--entra-issuer=https://login.example.com", "--entra-audience="}, "--entra-audience: empty"},
		{"open to others without a key", []string{"--sip=0.0.0.0:5060"}, "--access-key: needed"},
		{"open to others by name", []string{"--http=:8080"}, "--access-key: needed"},
		{"media open to others", []string{"--media-ip=192.0.2.1"}, "--access-key: needed"},
		{"open to others with the published key", []string{"--http=0.0.0.0:80", "--access-key=" + config.DevelopmentKey}, "--access-key: this is the published development key"},
		{"open to others with a key", public, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parse(t, "", c.args...)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && err == nil:
				t.Error("accepted")
			case c.want != "" && !strings.Contains(err.Error(), c.want):
				t.Errorf("error %q does not say %q", err, c.want)
			}
		})
	}
}

func TestErrorsKeepSecrets(t *testing.T) {
	for _, arg := range []string{"--user=hunter2", "--access-key=hunter2", "--trunk=tel:me:hunter2@example.com"} {
		_, err := parse(t, "", arg)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", arg, err)
		}
	}
}

func TestEveryErrorIsSaidAtOnce(t *testing.T) {
	_, err := parse(t, "", "--http=x", "--events=y")
	if err == nil || !strings.Contains(err.Error(), "--http") || !strings.Contains(err.Error(), "--events") {
		t.Errorf("got %v", err)
	}
}

func TestFlagBeforeEnvironmentBeforeFile(t *testing.T) {
	file := "http: 127.0.0.1:1\nhttps: 127.0.0.1:2\nsip: 127.0.0.1:3\ndrain: 9s\nmedia-ports: 1000-2000\n"
	t.Setenv("TIPRING_HTTP", "127.0.0.1:10")
	t.Setenv("TIPRING_HTTPS", "127.0.0.1:20")
	got, err := parse(t, file, "--http=127.0.0.1:100")
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default() // reads the environment, too
	want.HTTP, want.HTTPS, want.SIP = "127.0.0.1:100", "127.0.0.1:20", "127.0.0.1:3"
	want.Drain, want.MediaPorts = 9*time.Second, config.Ports{First: 1000, Last: 2000}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

func TestListsComeThreeWays(t *testing.T) {
	want := config.Config{
		Events:     []string{"https://a.example.com/x?q=1,2", "https://b.example.com"},
		AccessKeys: []string{oneKey, otherKey},
		Users:      []config.User{{Name: "alice", Password: "a,b"}, {Name: "+15550100", Password: "c:d"}},
		AllowNet:   []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")},
	}
	check := func(t *testing.T, got config.Config, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		got = config.Config{Events: got.Events, AccessKeys: got.AccessKeys, Users: got.Users, AllowNet: got.AllowNet}
		if !reflect.DeepEqual(want, got) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
	t.Run("flags", func(t *testing.T) {
		got, err := parse(t, "", "--events=https://a.example.com/x?q=1,2", "--events=https://b.example.com",
			"--access-key="+oneKey, "--access-key="+otherKey, "--user=alice:a,b", "--user=+15550100:c:d",
			"--allow-net=10.0.0.0/8", "--allow-net=fd00::/8")
		check(t, got, err)
	})
	t.Run("environment", func(t *testing.T) {
		t.Setenv("TIPRING_EVENTS", "https://a.example.com/x?q=1,2 https://b.example.com")
		t.Setenv("TIPRING_ACCESS_KEY", oneKey+" "+otherKey)
		t.Setenv("TIPRING_USER", "alice:a,b +15550100:c:d")
		t.Setenv("TIPRING_ALLOW_NET", "10.0.0.0/8 fd00::/8")
		got, err := parse(t, "")
		check(t, got, err)
	})
	t.Run("file", func(t *testing.T) {
		got, err := parse(t, "events: ['https://a.example.com/x?q=1,2', https://b.example.com]\n"+
			"access-key: ["+oneKey+", "+otherKey+"]\n"+
			"user:\n  - alice:a,b\n  - '+15550100:c:d'\nallow-net: [10.0.0.0/8, fd00::/8]\n")
		check(t, got, err)
	})
}

func TestFileErrorsNameTheKey(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"unknown", "http: 127.0.0.1:1\nhttpz: x\n", `tipring.yaml, line 2: unknown key "httpz"`},
		{"config itself", "config: x\n", `unknown key "config"`},
		{"twice", "http: 127.0.0.1:1\nhttp: 127.0.0.1:2\n", "http"},
		{"nested", "http: {a: b}\n", "line 1: http: expected a value"},
		{"nested list", "user: [[a]]\n", "user: a list holds plain values only"},
		{"not YAML", "http: [\n", "tipring.yaml: "},
		{"a list", "- http\n", "expected lines such as"},
		{"a bad value", "media-ports: many\n", "--media-ports"},
		{"a bad address", "http: many\n", "--http"},
		{"a list for one", "http: [127.0.0.1:1]\n", "--http"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := parse(t, c.file); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
	if _, err := parse(t, "# nothing\n"); err != nil {
		t.Errorf("an empty file is refused: %v", err)
	}
}

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tipring.yaml")
	if _, err := config.Open(path); err == nil || !strings.Contains(err.Error(), "--config") {
		t.Errorf("a missing file: %v", err)
	}
	if err := os.WriteFile(path, []byte("sip: 127.0.0.1:7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Open(path); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("http: 127.0.0.1:1\nuser: [a:b]\n")
	f.Add("a: &a b\nhttp: *a\n")
	f.Fuzz(func(t *testing.T, file string) {
		_, _ = config.Parse("x", strings.NewReader(file))
	})
}

func TestEveryFlagHasItsVariable(t *testing.T) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[config.Config]()) {
		name := f.Tag.Get("name")
		want := "TIPRING_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		if got := f.Tag.Get("env"); got != want {
			t.Errorf("--%s: variable %q, want %q", name, got, want)
		}
	}
}

func TestDevelopmentKeyOnLoopbackOnly(t *testing.T) {
	c := config.Default()
	published, _ := base64.StdEncoding.DecodeString(config.DevelopmentKey)
	if got := c.Keys(); len(got) != 1 || string(got[0]) != string(published) || len(published) == 0 {
		t.Errorf("on loopback the keys are %q", got)
	}
	c.SIP = "0.0.0.0:5060"
	if got := c.Keys(); len(got) != 0 {
		t.Errorf("open to others the keys are %q", got)
	}
	c.AccessKeys = []string{oneKey, otherKey}
	if got := c.Keys(); len(got) != 2 || string(got[0]) != "one key that is long enough" {
		t.Errorf("the keys are %q", got)
	}
}

func TestPrivateNetworks(t *testing.T) {
	c := config.Default()
	if got := c.Nets(); len(got) != 2 || !got[0].Contains(netip.MustParseAddr("127.0.0.9")) {
		t.Errorf("on loopback: %v", got)
	}
	c.HTTP = ":80"
	if got := c.Nets(); len(got) != 0 {
		t.Errorf("open to others: %v", got)
	}
}

func TestPublicURL(t *testing.T) {
	for _, c := range []struct{ given, addr, want string }{
		{"", "127.0.0.1:8443", "https://localhost:8443"},
		{"", "[::1]:8443", "https://localhost:8443"},
		{"", "[::]:443", "https://localhost"},
		{"", "192.0.2.1:443", "https://192.0.2.1"},
		{"", "[2001:db8::1]:443", "https://[2001:db8::1]"},
		{"", "calls.example.com:8443", "https://calls.example.com:8443"},
		{"https://calls.example.com/", "127.0.0.1:8443", "https://calls.example.com"},
	} {
		if got := (config.Config{PublicURL: c.given}).Public(c.addr); got != c.want {
			t.Errorf("%q at %s: %s, want %s", c.given, c.addr, got, c.want)
		}
	}
}

func TestConnectionString(t *testing.T) {
	c := config.Default()
	if got, want := c.ConnectionString("https://localhost:8443"), "endpoint=https://localhost:8443/;accesskey="+config.DevelopmentKey; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	c.AccessKeys = []string{oneKey, otherKey}
	if got, want := c.ConnectionString("https://calls.example.com/"), "endpoint=https://calls.example.com/;accesskey="+oneKey; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestMediaAddr(t *testing.T) {
	for _, c := range []struct{ media, sip, want string }{
		{"", "127.0.0.1:5060", "127.0.0.1"},
		{"", "localhost:5060", "127.0.0.1"},
		{"", "0.0.0.0:5060", "0.0.0.0"},
		{"", ":5060", "0.0.0.0"},
		{"192.0.2.7", "0.0.0.0:5060", "192.0.2.7"},
	} {
		cfg := config.Config{SIP: c.sip}
		if c.media != "" {
			cfg.MediaIP = netip.MustParseAddr(c.media)
		}
		if got := cfg.MediaAddr().String(); got != c.want {
			t.Errorf("--media-ip %q --sip %s: %s, want %s", c.media, c.sip, got, c.want)
		}
	}
}
