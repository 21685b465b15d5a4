package registry

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pack-cache/pack-cache/internal/reach"
	"github.com/pack-cache/pack-cache/internal/turn"
	"github.com/pack-cache/pack-cache/internal/web"
)

// client sends authenticated requests to one registry.
type client struct {
	repo name.Repository
	base *url.URL // of the registry, without a path
	http *http.Client
	auth *authorizer
	rule web.Rule
}

// dial finds out how to speak with the registry of s.
func dial(ctx context.Context, s *Store) (*client, error) {
	creds, err := authn.Resolve(ctx, s.keychain, s.repo)
	if err != nil {
		return nil, credentialError(s.repo, err)
	}
	host := s.repo.RegistryStr()
	found, err := transport.Ping(ctx, s.repo.Registry, s.transport)
	if err != nil {
		return nil, pingError(ctx, s.repo, creds == authn.Anonymous, err)
	}
	base := &url.URL{Scheme: "https", Host: host}
	if found.Insecure {
		base.Scheme = "http"
	}
	auth := &authorizer{
		inner: s.transport, repo: s.repo, base: base, creds: creds, challenge: *found,
		lock: turn.New(), tokens: map[string]bearer{},
	}
	return &client{repo: s.repo, base: base, http: &http.Client{Transport: auth}, auth: auth, rule: s.rule}, nil
}

func pingError(ctx context.Context, repo name.Repository, anonymous bool, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	// On loopback HTTP is tried after TLS; a TLS server's answer to that says
	// less than what was wrong with TLS.
	if answer, ok := errors.AsType[*transport.Error](err); ok && reach.Cause(err) == nil {
		if denied := answer.StatusCode; denied == http.StatusUnauthorized || denied == http.StatusForbidden {
			f := &failure{op: "use", subject: repo.Name(), status: denied}
			return f.classify(anonymous, []string{repo.Scope(transport.PullScope)})
		}
		return &failure{op: "use", subject: repo.Name(), status: answer.StatusCode,
			cause: fmt.Errorf("%s does not answer as a registry", repo.RegistryStr()),
			hint:  cmp.Or(reach.Registry(repo.RegistryStr()).Answered(answer.StatusCode), reach.Odd(repo.RegistryStr()))}
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

// send sends a request and returns the answer, whatever its status. The transport
// has repeated it as long as that made sense, unless it has a stream. The error is
// the context's when that has ended.
func (c *client) send(ctx context.Context, k call) (*http.Response, error) {
	req, err := k.request(ctx)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err == nil {
		return resp, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	err = unreachable(k.op, c.repo.Name(), k.url.Host, err)
	if f, ok := errors.AsType[*failure](err); ok && k.stream == nil {
		f.gaveUp = true
	}
	return nil, err
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
