// Package reach has the words for servers that do not do what they are asked: what
// the user can do about one that cannot be reached, refuses, or answers oddly. Every
// kind of server is spoken of in the same words: registries, stores, and where
// buildpacks are downloaded.
//
// What it is not for: waiting and repeating (package web), and what only one kind of
// server says.
package reach

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/pack-cache/pack-cache/internal/web"
)

// Server is a server that was asked for something.
type Server struct {
	// Name is what hints call it, such as "registry registry.example.com".
	Name string
	// Host is the name that its certificate is for, or what stands for it.
	Host string
	// Plain is what to do if it does not speak TLS and that is meant.
	Plain string
	// logins says that those who log in may ask for more.
	logins bool
	// Settings are what also leads to it, such as "the ACTIONS_ variables"; "" for
	// nothing.
	Settings string
}

// Registry is the registry at a host, with its port.
func Registry(host string) Server {
	return Server{Name: "registry " + host, Host: host, Plain: "add --insecure-registry " + host, logins: true}
}

// Cause returns the part of err that says why a server could not be reached.
// Where HTTP is tried after TLS, as on loopback, what is wrong with TLS says
// more than the answer to HTTP. It is nil if err is not about that.
func Cause(err error) error {
	if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return cert
	}
	return nil
}

// Silent says what to do when no answer came because of err.
func (s Server) Silent(err error) string {
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, unverified := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case unknown:
		return fmt.Sprintf("add the certificate authority of %s to the system's certificates, or name its file in SSL_CERT_FILE", s.Host)
	case unverified:
		return fmt.Sprintf("check the name %s, its certificate and the clock of this machine", s.Host)
	case errors.Is(err, web.ErrCircle):
		return fmt.Sprintf("check what stands in front of %s: it sends requests in a circle", s.Name)
	case err != nil && strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Sprintf("%s does not speak TLS; if that is meant, %s", s.Host, s.Plain)
	}
	settings := s.Settings
	if settings != "" {
		settings = ", " + settings
	}
	return fmt.Sprintf("check that %s can be reached from here: its name, the network%s, and HTTPS_PROXY and NO_PROXY where there is a proxy", s.Name, settings)
}

// Answered says what to do about an answer that may be another one later; "" if
// status is none of those.
func (s Server) Answered(status int) string {
	switch {
	case status == http.StatusTooManyRequests && s.logins:
		return fmt.Sprintf("%s limits how many requests it takes: try again later, or log in", s.Name)
	case status == http.StatusTooManyRequests:
		return fmt.Sprintf("%s limits how many requests it takes: try again later", s.Name)
	case status >= http.StatusInternalServerError:
		return fmt.Sprintf("%s answered %d; try again later", s.Name, status)
	}
	return ""
}

// Odd says what to do about an answer that no registry gives.
func Odd(host string) string {
	return fmt.Sprintf("check that %s is a registry, and that no proxy or login page stands in front of it", host)
}

// Login says what to do when the registry at host refuses a credential, or that there
// is none. scope is what was asked for, "" if that is not known.
func Login(host string, credential bool, scope string) string {
	if !credential {
		return fmt.Sprintf("there is no credential for %s: log in with `docker login %s`, or set CNB_REGISTRY_AUTH", host, host)
	}
	if scope != "" {
		scope = " (scope " + scope + ")"
	}
	return fmt.Sprintf("check that the account that is logged in to %s may do that%s, or log in again with `docker login %s`, or set CNB_REGISTRY_AUTH", host, scope, host)
}
