package jwt

import "time"

// ParseKeyFile reads a key's file.
func ParseKeyFile(data []byte) { _, _ = parseKey(data) }

// ParseDocuments reads what an issuer serves.
func ParseDocuments(text []byte) {
	_, _ = parseConfiguration(text, "https://a")
	_, _ = parseKeys(text)
}

// NewKey makes a key.
func NewKey() { _, _ = newKey(time.Now()) }
