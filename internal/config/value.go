package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Ports is a range of ports, both ends included.
type Ports struct{ First, Last int }

// UnmarshalText reads A-B.
func (p *Ports) UnmarshalText(text []byte) error {
	a, b, ok := strings.Cut(string(text), "-")
	first, err1 := strconv.ParseUint(a, 10, 16)
	last, err2 := strconv.ParseUint(b, 10, 16)
	if !ok || err1 != nil || err2 != nil {
		return fmt.Errorf("%q is not a range of ports such as 16384-32767", text)
	}
	p.First, p.Last = int(first), int(last)
	return nil
}

// String is A-B.
func (p Ports) String() string { return fmt.Sprintf("%d-%d", p.First, p.Last) }

// A User is a phone that may register.
type User struct{ Name, Password string }

// UnmarshalText reads NAME:PASSWORD. The error does not repeat the text: it may
// be a password.
func (u *User) UnmarshalText(text []byte) error {
	name, password, ok := strings.Cut(string(text), ":")
	if !ok || name == "" || password == "" {
		return errors.New("a user is NAME:PASSWORD, without spaces")
	}
	u.Name, u.Password = name, password
	return nil
}

// String hides the password.
func (u User) String() string { return u.Name + ":…" }
