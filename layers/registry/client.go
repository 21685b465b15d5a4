package registry

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// client sends authenticated requests to one registry.
type client struct {
	repo  name.Repository
	base  *url.URL // of the registry, without a path
	http  *http.Client
	auth  *authorizer
	retry backoff
}

// dial finds out how to speak with the registry of s.
func dial(ctx context.Context, s *Store) (*client, error) {
	creds, err := authn.Resolve(ctx, s.keychain, s.repo)
	if err != nil {
		return nil, credentialError(s.repo, err)
	}
	host := s.repo.RegistryStr()
	var found *transport.Challenge
	err = s.retry.run(ctx, func() (retry, error) {
		var err error
		found, err = transport.Ping(ctx, s.repo.Registry, s.transport)
		return pingAgain(err), err
	})
	if err != nil {
		return nil, pingError(ctx, s.repo, err)
	}
	base := &url.URL{Scheme: "https", Host: host}
	if found.Insecure {
		base.Scheme = "http"
	}
	auth := &authorizer{
		inner: s.transport, repo: s.repo, base: base, creds: creds, challenge: *found,
		lock: make(chan struct{}, 1), tokens: map[string]bearer{},
	}
	return &client{repo: s.repo, base: base, http: &http.Client{Transport: auth}, auth: auth, retry: s.retry}, nil
}

// pingAgain says whether a failed first contact may go better the next time. A
// host that is not there is reported at once: most often its name is wrong.
func pingAgain(err error) retry {
	answer, ok := errors.AsType[*transport.Error](err)
	return retry{again: ok && temporary(answer.StatusCode)}
}

func pingError(ctx context.Context, repo name.Repository, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	// On loopback HTTP is tried after TLS; a TLS server's answer to that says
	// less than what was wrong with TLS.
	_, unverified := errors.AsType[*tls.CertificateVerificationError](err)
	if answer, ok := errors.AsType[*transport.Error](err); ok && !unverified {
		return &failure{op: "use", subject: repo.Name(), status: answer.StatusCode,
			cause: fmt.Errorf("%s does not answer as a registry", repo.RegistryStr()),
			hint:  fmt.Sprintf("check the name %s and whether the registry is well", repo.RegistryStr())}
	}
	return unreachable("reach", repo.Name(), repo.RegistryStr(), err)
}

// call is one request.
type call struct {
	op     string // for errors: "pull", "push", "push to"
	method string
	url    *url.URL
	header http.Header
	// body can be sent again; stream, if not nil, only once.
	body   []byte
	stream io.ReadCloser
	// scopes are the token scopes that it needs.
	scopes []string
	// once forbids to repeat it.
	once bool
}

// url is the address of something in the repository.
func (c *client) url(elem ...string) *url.URL {
	u := *c.base
	u.Path = "/v2/" + c.repo.RepositoryStr() + "/" + strings.Join(elem, "/")
	return &u
}

// pull and push are the scopes of requests that read and write.
func (c *client) pull() []string { return []string{c.repo.Scope(transport.PullScope)} }
func (c *client) push() []string { return []string{c.repo.Scope(transport.PushScope)} }

// send sends a request and returns the answer, whatever its status. Temporary
// failures are tried again unless the call forbids it. The error is the
// context's when that has ended.
func (c *client) send(ctx context.Context, k call) (*http.Response, error) {
	var resp *http.Response
	err := c.retry.run(ctx, func() (retry, error) {
		req, err := k.request(ctx)
		if err != nil {
			return retry{}, err
		}
		resp, err = c.http.Do(req)
		if err != nil {
			return retry{again: !k.once && mayRetry(err)}, unreachable(k.op, c.repo.Name(), k.url.Host, err)
		}
		return retry{again: !k.once && temporary(resp.StatusCode), answer: resp}, nil
	})
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if f, ok := errors.AsType[*failure](err); ok && !k.once {
		f.gaveUp = true
	}
	return resp, err
}

func (k call) request(ctx context.Context) (*http.Request, error) {
	ctx = context.WithValue(ctx, scopesKey{}, k.scopes)
	var body io.Reader
	switch {
	case k.stream != nil:
		body = k.stream
	case k.body != nil:
		body = bytes.NewReader(k.body)
	}
	req, err := http.NewRequestWithContext(ctx, k.method, k.url.String(), body)
	if err != nil {
		return nil, bare(err)
	}
	for key, values := range k.header {
		req.Header[key] = values
	}
	return req, nil
}
