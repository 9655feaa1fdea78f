package ingest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"syscall"
)

const maxSecret = 64 << 10 // bytes of a file that holds a secret

// guardAddress refuses connections to addresses that are not of the public internet. It sees the address that is really
// dialled, whatever a name server says the second time.
func guardAddress(allowPrivate bool) func(context.Context, string, string, syscall.RawConn) error {
	return func(_ context.Context, _, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !allowPrivate && !isPublic(at.Addr()) {
			return errPrivate
		}
		return nil
	}
}

// reserved are the networks that are neither public nor told apart by netip.
var reserved = [...]string{"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "2001:db8::/32", "2002::/16", "100::/64"}

// isPublic reports whether an address is one of the public internet.
func isPublic(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	for _, n := range reserved {
		if netip.MustParsePrefix(n).Contains(a) {
			return false
		}
	}
	return true
}

// signer returns what adds the credentials to a request for the source's own host.
func (a Auth) signer(base *url.URL, getenv func(string) string) func(*http.Request) error {
	return func(r *http.Request) error {
		if a == (Auth{}) || r.URL.Host != base.Host {
			return nil
		}
		secret, err := a.secret(getenv)
		if err != nil {
			return err
		}
		user := a.User
		if a.UserEnv != "" {
			user = getenv(a.UserEnv)
		}
		switch {
		case a.Header != "":
			r.Header.Set(a.Header, secret)
		case user != "":
			r.SetBasicAuth(user, secret)
		default:
			r.Header.Set("Authorization", "Bearer "+secret)
		}
		return nil
	}
}

// secret reads the password or token.
func (a Auth) secret(getenv func(string) string) (string, error) {
	if a.SecretEnv != "" {
		if s := getenv(a.SecretEnv); s != "" {
			return s, nil
		}
		return "", fmt.Errorf("%w: the environment variable %s, which auth.secret_env names, is not set", ErrUnavailable, a.SecretEnv)
	}
	f, err := os.Open(a.SecretFile)
	if err != nil {
		return "", fmt.Errorf("%w: auth.secret_file: %w", ErrUnavailable, err)
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, maxSecret))
	if s := strings.TrimSpace(string(raw)); err == nil && s != "" {
		return s, nil
	}
	return "", fmt.Errorf("%w: auth.secret_file %s is empty or cannot be read", ErrUnavailable, a.SecretFile)
}
