package samples

import (
	"errors"
	"os"

	"github.com/pack-cache/pack-cache/internal/hint"
)

// certificateFile is where Debian, and so both builders, have their bundle.
const certificateFile = "etc/ssl/certs/ca-certificates.crt"

// machineCertificates returns the PEM bundle that this machine trusts, private
// authorities of its network included.
func machineCertificates() ([]byte, error) {
	tried := []string{"/" + certificateFile, "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"}
	if own := os.Getenv("SSL_CERT_FILE"); own != "" {
		tried = []string{own}
	}
	for _, name := range tried {
		bundle, err := os.ReadFile(name)
		if err == nil {
			return bundle, nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	return nil, hint.Errorf("install ca-certificates, or name a bundle in SSL_CERT_FILE", "this machine has no CA certificates (looked at %v)", tried)
}
