// Package reach says why a registry could not be reached, and what the user can
// do about it.
//
// What it is not for: answers of registries that were reached.
package reach

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/pack-cache/pack-cache/internal/web"
)

// Cause returns the part of err that says why a registry could not be reached.
// Where HTTP is tried after TLS, as on loopback, what is wrong with TLS says
// more than the answer to HTTP. It is nil if err is not about that.
func Cause(err error) error {
	if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return cert
	}
	return nil
}

// Hint says what to do when the registry at host could not be reached because of
// err.
func Hint(host string, err error) string {
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, unverified := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case unknown:
		return fmt.Sprintf("add the certificate authority of %s to the system's certificates, or name its file in SSL_CERT_FILE", host)
	case unverified:
		return fmt.Sprintf("check the name %s, its certificate and the clock of this machine", host)
	case errors.Is(err, web.ErrCircle):
		return fmt.Sprintf("check what stands in front of registry %s: it sends requests in a circle", host)
	case err != nil && strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Sprintf("%s does not speak TLS; if that is meant, add --insecure-registry %s", host, host)
	}
	return fmt.Sprintf("check that registry %s can be reached from here: its name, the network, and HTTPS_PROXY and NO_PROXY where there is a proxy", host)
}
