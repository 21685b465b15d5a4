package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
)

// Temporary reports whether a status may be another one the next time.
func Temporary(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported, http.StatusInsufficientStorage:
		return false
	}
	return status >= http.StatusInternalServerError
}

// Transient reports whether a request or transfer that failed with err may go
// better the next time. Wrong names and certificates stay wrong.
func Transient(err error) bool {
	if stalled := (*Stalled)(nil); errors.As(err, &stalled) {
		return true
	}
	if errors.Is(err, ErrGaveUp) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var (
		unverified *tls.CertificateVerificationError
		unknown    x509.UnknownAuthorityError
		noTLS      tls.RecordHeaderError
		lookup     *net.DNSError
	)
	switch {
	case errors.As(err, &unverified), errors.As(err, &unknown), errors.As(err, &noTLS),
		errors.As(err, &lookup) && lookup.IsNotFound:
		return false
	}
	text := err.Error()
	for _, final := range []string{"server gave HTTP response to HTTPS client", "unsupported protocol scheme", "no Host in request URL", "invalid header field"} {
		if strings.Contains(text, final) {
			return false
		}
	}
	return true
}

// refused reports whether nobody listens at an address.
func refused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// Drop closes an answer after reading what little there is, so that its
// connection can be used again.
func Drop(resp *http.Response) {
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	resp.Body.Close()
}
