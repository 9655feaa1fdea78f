package ingest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"
)

// explained adds to an error of a request what can be done about it.
func explained(err error, timeout time.Duration) error {
	var (
		unknown   *tls.CertificateVerificationError
		name      x509.HostnameError
		noHost    *net.DNSError
		netErr    net.Error
		withTimer = errors.As(err, &netErr) && netErr.Timeout()
	)
	switch {
	case errors.As(err, &name):
		return fmt.Errorf("%w; set location to a name that the certificate has", err)
	case errors.As(err, &unknown):
		return fmt.Errorf("%w; add the certificate's authority to those that this machine trusts, or name its file in SSL_CERT_FILE", err)
	case errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Errorf("%w; is location an address with TLS?", err)
	case errors.As(err, &noHost) && noHost.IsNotFound, errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w; check location, and whether the server runs", err)
	case errors.Is(err, context.DeadlineExceeded), withTimer:
		return fmt.Errorf("no whole answer within %s; raise limits.timeout if the server needs longer: %w", timeout, err)
	}
	return err
}

// isFinal reports whether asking again gives the same error.
func isFinal(err error) bool {
	for _, final := range [...]error{errPrivate, errRedirect, errRedirects, errTooLong, errRatioWeb} {
		if errors.Is(err, final) {
			return true
		}
	}
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &certificate) || errors.Is(err, http.ErrSchemeMismatch)
}

// statusHint says what can be done about an answer's status.
func statusHint(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return ": check the credentials that auth names"
	case http.StatusForbidden:
		return ": the credentials that auth names are not allowed to read this"
	case http.StatusNotFound, http.StatusGone:
		return ": check location, and the credentials that auth names: some servers say this of what they do not show"
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return ": ask it less often, with a longer schedule or limits.delay"
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout:
		return ": a fault of the server's, which is asked again with the next refresh"
	}
	return ""
}
