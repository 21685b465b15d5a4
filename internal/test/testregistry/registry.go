// Package testregistry starts real registries on loopback, for tests and for
// the demo: Debian's docker-registry, plain or with TLS by a private authority,
// open or with passwords or with scoped tokens; and a proxy that makes faults.
//
// It is not a registry to keep anything in: all content goes with Close.
package testregistry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pack-cache/pack-cache/internal/test/testprocess"
)

// Auth is how a registry authenticates its users.
type Auth string

const (
	// Open lets everyone do everything.
	Open Auth = ""
	// Basic asks for name and password; every user may do everything.
	Basic Auth = "basic"
	// Token sends users to a token server, which grants what User.May says
	// (Docker registry token authentication).
	Token Auth = "token"
)

// Options says what registry to start. The zero value is plain HTTP, open to
// everyone.
type Options struct {
	// TLS makes a private authority and a certificate for 127.0.0.1 and
	// localhost. The token server then has TLS too.
	TLS   bool
	Auth  Auth
	Users []User
	// Delete allows manifests and blobs to be deleted.
	Delete bool
	// Tokens says more about the tokens of Token.
	Tokens TokenOptions
}

// User is somebody whom a registry knows. With Token, a user with an empty name
// is everyone without a credential.
type User struct {
	Name, Password string
	// May lists, for a repository, the actions "pull", "push" and "delete" that
	// Token grants; the repository "*" is every one that is not listed. Nil
	// grants everything.
	May map[string][]string
}

// Registry is a running registry. Its methods are safe for concurrent use.
type Registry struct {
	// Addr is 127.0.0.1:PORT, as it begins an image reference.
	Addr string
	// CAFile holds the certificate of the private authority in PEM; empty
	// without TLS.
	CAFile string

	dir     string
	users   []User
	ca      *authority
	tokens  *tokenServer
	process *testprocess.Process
	close   sync.Once
}

// Start starts a registry and returns when it answers. The caller closes it; it
// also ends when the caller's process does.
func Start(ctx context.Context, options Options) (_ *Registry, err error) {
	binary, err := Binary(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pack-cache-registry-")
	if err != nil {
		return nil, err
	}
	r := &Registry{dir: dir, users: options.Users}
	defer func() {
		if err != nil {
			r.Close()
		}
	}()
	if options.TLS {
		if r.ca, err = newAuthority(); err != nil {
			return nil, err
		}
		r.CAFile = filepath.Join(dir, "ca.pem")
		if err := os.WriteFile(r.CAFile, r.ca.pem(), 0o644); err != nil {
			return nil, err
		}
	}
	if options.Auth == Token {
		if r.tokens, err = startTokenServer(options, r.ca); err != nil {
			return nil, err
		}
	}
	config, err := r.writeConfig(options)
	if err != nil {
		return nil, err
	}
	if r.process, r.Addr, err = run(ctx, binary, config); err != nil {
		return nil, fmt.Errorf("%s: %w", binary, err)
	}
	return r, nil
}

// New starts a registry for a test, which fails if that is not possible, and
// closes it when the test ends.
func New(t testing.TB, options Options) *Registry {
	t.Helper()
	r, err := Start(t.Context(), options)
	if err != nil {
		t.Fatalf("cannot start a registry: %v", err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// Close ends the registry and removes its content. It is idempotent.
func (r *Registry) Close() error {
	var err error
	r.close.Do(func() {
		if r.process != nil {
			r.process.Kill()
		}
		if r.tokens != nil {
			r.tokens.server.Close()
		}
		err = os.RemoveAll(r.dir)
	})
	return err
}

// Log returns what the registry has written so far: its own log and one line
// per request.
func (r *Registry) Log() string { return r.process.Log() }

// Root is the directory that the registry keeps its content in, laid out as
// docker-registry does.
func (r *Registry) Root() string { return filepath.Join(r.dir, "data") }

// TokenRequests returns what the token server was asked for so far.
func (r *Registry) TokenRequests() []TokenRequest {
	if r.tokens == nil {
		return nil
	}
	return r.tokens.requests()
}

// Transport returns a new transport that trusts the registry's authority.
func (r *Registry) Transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	if r.ca != nil {
		t.TLSClientConfig = &tls.Config{RootCAs: r.ca.pool()}
	}
	return t
}

// Keychain returns the credential of a user for this registry and for no other.
func (r *Registry) Keychain(user string) authn.Keychain {
	return keychain{addr: func(host string) bool { return host == r.Addr }, users: r.users, user: user}
}

type keychain struct {
	addr  func(host string) bool
	users []User
	user  string
}

// Resolve implements authn.Keychain.
func (k keychain) Resolve(target authn.Resource) (authn.Authenticator, error) {
	if !k.addr(target.RegistryStr()) {
		return authn.Anonymous, nil
	}
	for _, u := range k.users {
		if u.Name == k.user {
			return &authn.Basic{Username: u.Name, Password: u.Password}, nil
		}
	}
	return nil, errors.New("the registry has no user " + k.user)
}

// certPool is the pool with one certificate.
func certPool(c *x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(c)
	return pool
}
