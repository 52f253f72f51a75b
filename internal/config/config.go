package config

import (
	"encoding/base64"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// DevelopmentKey is the access key of a server that was given none. Everybody
// knows it, so it works only while every listener is on loopback.
const DevelopmentKey = "dGlwcmluZyBkZXZlbG9wbWVudCBrZXk6IHB1Ymxpc2hlZCwgZm9yIGxvb3BiYWNrIG9ubHk="

// Config is what a server is told. The tags say what each field means; lists
// are repeated on the command line, separated by spaces in the environment, and
// lists in the file.
type Config struct {
	HTTP  string `name:"http" env:"TIPRING_HTTP" group:"Listeners" default:"127.0.0.1:8080" help:"REST API, /healthz (200 when ready) and /metrics (Prometheus)."`
	HTTPS string `name:"https" env:"TIPRING_HTTPS" group:"Listeners" default:"127.0.0.1:8443" help:"The same over TLS. Without --cert and --key a CA and a certificate are made once under the data folder, and the output says how to trust the CA."`
	Cert  string `name:"cert" env:"TIPRING_CERT" group:"Listeners" type:"path" placeholder:"FILE" help:"Certificate chain for --https, PEM. Needs --key."`
	Key   string `name:"key" env:"TIPRING_KEY" group:"Listeners" type:"path" placeholder:"FILE" help:"Private key of --cert, PEM."`
	SIP   string `name:"sip" env:"TIPRING_SIP" group:"Listeners" default:"127.0.0.1:5060" help:"SIP over UDP and TCP."`

	MediaIP      netip.Addr    `name:"media-ip" env:"TIPRING_MEDIA_IP" group:"Sound" placeholder:"IP" help:"Address of RTP and RTCP. Default: the address of --sip; with --sip 0.0.0.0 the address offered is that of the route to the far end."`
	MediaPorts   Ports         `name:"media-ports" env:"TIPRING_MEDIA_PORTS" group:"Sound" default:"16384-32767" help:"Ports of RTP and RTCP."`
	MediaTimeout time.Duration `name:"media-timeout" env:"TIPRING_MEDIA_TIMEOUT" group:"Sound" default:"30s" help:"A leg with no RTP and no RTCP for so long, and not on hold, is ended."`

	PublicURL  string   `name:"public-url" env:"TIPRING_PUBLIC_URL" group:"Apps" placeholder:"URL" help:"What links in events and results begin with. Default: from --https."`
	AccessKeys []string `name:"access-key" env:"TIPRING_ACCESS_KEY" group:"Apps" sep:" " placeholder:"BASE64" help:"HMAC key of the connection string; may be given twice, for rotation. Default: a fixed, published development key, accepted only while every listener is on loopback."`
	Events     []string `name:"events" env:"TIPRING_EVENTS" group:"Apps" sep:" " placeholder:"URL" help:"An Event Grid subscriber; the validation handshake is done first. May be given many times."`

	AllowNet      []netip.Prefix `name:"allow-net" env:"TIPRING_ALLOW_NET" group:"Apps" sep:" " placeholder:"CIDR" help:"Private networks that callbacks, prompts, websockets and uploads may reach; public addresses are always allowed, link-local and metadata addresses never. May be given many times. Default: loopback, when every listener is on loopback."`
	TokenIssuer   string         `name:"token-issuer" env:"TIPRING_TOKEN_ISSUER" group:"Apps" placeholder:"URL" help:"iss of the JWTs on callbacks and websocket handshakes. Default: --public-url."`
	TokenAudience string         `name:"token-audience" env:"TIPRING_TOKEN_AUDIENCE" group:"Apps" placeholder:"ID" help:"aud of the same JWTs. Default: a fixed id of this data folder."`
	TokenRotate   time.Duration  `name:"token-rotate" env:"TIPRING_TOKEN_ROTATE" group:"Apps" default:"720h" help:"How long a key signs these JWTs before the next one does."`
	EntraIssuer   string         `name:"entra-issuer" env:"TIPRING_ENTRA_ISSUER" group:"Apps" placeholder:"URL" help:"Accept bearer tokens of this OpenID issuer (such as https://login.microsoftonline.com/TENANT/v2.0) beside signed requests. Default: none are accepted."`
	EntraAudience string         `name:"entra-audience" env:"TIPRING_ENTRA_AUDIENCE" group:"Apps" default:"https://communication.azure.com" help:"aud that these bearer tokens must have."`
	Roots         string         `name:"roots" env:"TIPRING_ROOTS" group:"Apps" type:"path" placeholder:"FILE" help:"Certificates that outbound TLS connections trust beside the system's, PEM."`

	Trunk string `name:"trunk" env:"TIPRING_TRUNK" group:"Telephones" placeholder:"SIP-URI" help:"Where phone numbers are dialled that no registered phone has; its address may also send calls in. sip:user:password@host answers its 401 and 407, ;register registers there."`
	Users []User `name:"user" env:"TIPRING_USER" group:"Telephones" sep:" " placeholder:"NAME:PASSWORD" help:"A phone that may register; may be given many times. On loopback, without any --user, every name may register without a password."`

	Sync  bool          `name:"sync" env:"TIPRING_SYNC" default:"true" negatable:"" help:"Wait for the disk (fsync) before a call's memory or an event counts as kept. With --no-sync a killed process still loses nothing; a power cut may cost what the last 5 seconds told."`
	Data  string        `name:"data" env:"TIPRING_DATA" default:"./tipring-data" help:"Recordings, certificates, keys, journal: everything that lasts."`
	Drain time.Duration `name:"drain" env:"TIPRING_DRAIN" default:"5s" help:"How long SIGTERM lets running calls go on."`
}

// Default is the configuration of a server that was told nothing.
func Default() Config {
	var c Config
	if err := kong.ApplyDefaults(&c); err != nil {
		panic("config: " + err.Error()) // the defaults are in the tags above
	}
	return c
}

// Loopback reports whether every listener is on loopback, so that nobody but
// this machine can reach the server.
func (c Config) Loopback() bool {
	if c.MediaIP.IsValid() && !c.MediaIP.IsLoopback() {
		return false
	}
	for _, addr := range []string{c.HTTP, c.HTTPS, c.SIP} {
		if !loopback(addr) {
			return false
		}
	}
	return true
}

func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// MediaAddr is where RTP and RTCP listen: --media-ip, else the address of --sip.
// An unspecified one (0.0.0.0) means: the address of the route to the far end.
func (c Config) MediaAddr() netip.Addr {
	if c.MediaIP.IsValid() {
		return c.MediaIP
	}
	host, _, _ := net.SplitHostPort(c.SIP)
	if host == "localhost" {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip
	}
	return netip.IPv4Unspecified()
}

// Keys are the access keys in force, decoded: those given, else the
// development key on loopback, else none.
func (c Config) Keys() [][]byte {
	given := c.AccessKeys
	if len(given) == 0 && c.Loopback() {
		given = []string{DevelopmentKey}
	}
	var keys [][]byte
	for _, k := range given {
		if key, err := base64.StdEncoding.DecodeString(k); err == nil {
			keys = append(keys, key)
		}
	}
	return keys
}

// Nets are the private networks that apps may send us to.
func (c Config) Nets() []netip.Prefix {
	if len(c.AllowNet) == 0 && c.Loopback() {
		return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	return c.AllowNet
}

// Public is --public-url without its last slash; by default the https URL of
// addr, which is where --https came to listen.
func (c Config) Public(addr string) string {
	if c.PublicURL != "" {
		return strings.TrimSuffix(c.PublicURL, "/")
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "https://" + addr
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && (ip.IsLoopback() || ip.IsUnspecified()) {
		host = "localhost"
	}
	if port == "443" {
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		return "https://" + host
	}
	return "https://" + net.JoinHostPort(host, port)
}

// ConnectionString is what an application gives its Call Automation client,
// for the server at url.
func (c Config) ConnectionString(url string) string {
	key := DevelopmentKey
	if len(c.AccessKeys) > 0 {
		key = c.AccessKeys[0]
	}
	return "endpoint=" + strings.TrimSuffix(url, "/") + "/;accesskey=" + key
}
