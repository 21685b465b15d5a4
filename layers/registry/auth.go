package registry

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pack-cache/pack-cache/internal/turn"
	"github.com/pack-cache/pack-cache/internal/web"
)

// authorizer adds the Authorization header to requests for the registry, and to
// no others: blob storage that the registry redirects to never sees it. The
// header is not set on the http.Request itself because http.Client would take
// it along to other ports of the same host and to its subdomains.
//
// go-containerregistry's own transport does not tell when a token ends. For the
// one request that cannot be repeated, the stream of a layer, it has to be
// known that the token is still good.
type authorizer struct {
	inner http.RoundTripper
	repo  name.Repository
	base  *url.URL
	creds authn.Authenticator

	mu        sync.Mutex
	challenge transport.Challenge
	nobody    bool // there is no credential
	secrets   []string
	// lock is held while a token is fetched; it guards tokens.
	lock   turn.Lock
	tokens map[string]bearer
}

// bearer is one token from a token server.
type bearer struct {
	value string
	// renew is when a new one is asked for, well before this one ends.
	renew time.Time
	// scopes are those it was asked for.
	scopes []string
}

// covers says whether the token was asked for with all of scopes.
func (b bearer) covers(scopes []string) bool {
	return !slices.ContainsFunc(scopes, func(s string) bool { return !slices.Contains(b.scopes, s) })
}

// scopesKey is the context key of the scopes that a request needs.
type scopesKey struct{}

// RoundTrip implements http.RoundTripper. A request without a body, or with
// one that can be read again, is repeated once when the registry asks for
// another credential.
func (a *authorizer) RoundTrip(req *http.Request) (*http.Response, error) {
	if !sameOrigin(req.URL, a.base) {
		return a.inner.RoundTrip(req)
	}
	header, err := a.header(req.Context(), a.current(), scopesOf(req), "")
	if err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	resp, err := a.inner.RoundTrip(withHeader(req, header))
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	asked, ok := pick(challenges(resp.Header), a.base.Scheme == "http")
	if !ok || req.Body != nil && req.GetBody == nil {
		return resp, nil
	}
	again, err := a.answer(req, asked, header)
	if err == nil && again == header {
		return resp, nil
	}
	web.Drop(resp)
	if err != nil {
		return nil, err
	}
	repeat := withHeader(req, again)
	if req.GetBody != nil {
		if repeat.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	return a.inner.RoundTrip(repeat)
}

// answer returns the header that a challenge calls for after used was refused.
func (a *authorizer) answer(req *http.Request, asked transport.Challenge, used string) (string, error) {
	a.mu.Lock()
	a.challenge = asked
	a.mu.Unlock()
	scopes := slices.Clone(scopesOf(req))
	// Some registries look at the first scope only, so theirs comes first.
	if want := asked.Parameters["scope"]; want != "" && !slices.Contains(scopes, want) {
		scopes = slices.Insert(scopes, 0, want)
	}
	return a.header(req.Context(), asked, scopes, used)
}

// header returns the value of the Authorization header, empty for none. A value
// equal to refused is not taken from the cache of tokens.
func (a *authorizer) header(ctx context.Context, asked transport.Challenge, scopes []string, refused string) (string, error) {
	cfg, err := authn.Authorization(ctx, a.creds)
	if err != nil {
		return "", credentialError(a.repo, err)
	}
	a.mu.Lock()
	a.nobody = *cfg == authn.AuthConfig{}
	a.mu.Unlock()
	a.remember(cfg.Password, cfg.Auth, cfg.IdentityToken, cfg.RegistryToken)
	switch {
	case cfg.RegistryToken != "":
		return "Bearer " + cfg.RegistryToken, nil
	case strings.EqualFold(asked.Scheme, "bearer"):
		return a.bearer(ctx, asked, scopes, refused)
	case cfg.Username != "" && cfg.Password != "":
		pair := base64.StdEncoding.EncodeToString([]byte(cfg.Username + ":" + cfg.Password))
		a.remember(pair)
		return "Basic " + pair, nil
	case cfg.Auth != "":
		return "Basic " + cfg.Auth, nil
	}
	return "", nil
}

// bearer returns a token for scopes: the cached one, or a new one if it is missing,
// about to expire, or was just refused.
func (a *authorizer) bearer(ctx context.Context, asked transport.Challenge, scopes []string, refused string) (string, error) {
	if err := a.lock.Take(ctx); err != nil {
		return "", err
	}
	defer a.lock.Give()
	key := scopes[len(scopes)-1]
	have, ok := a.tokens[key]
	header := "Bearer " + have.value
	if ok && have.covers(scopes) && time.Now().Before(have.renew) && header != refused {
		return header, nil
	}
	for _, s := range slices.Backward(have.scopes) {
		if !slices.Contains(scopes, s) {
			scopes = slices.Insert(slices.Clone(scopes), 0, s)
		}
	}
	start := time.Now()
	tok, err := transport.Exchange(ctx, a.repo.Registry, a.creds, a.inner, scopes, &asked)
	if err != nil {
		return "", a.tokenError(ctx, err, scopes)
	}
	value := tok.Token
	if tok.AccessToken != "" {
		value = tok.AccessToken
	}
	a.remember(value, tok.RefreshToken)
	a.tokens[key] = bearer{value, start.Add(lifetime(tok) * 3 / 4), scopes}
	return "Bearer " + value, nil
}

// lifetime is how long a token is good; 60 seconds when the server does not
// say, as Docker's token specification has it.
func lifetime(tok *transport.Token) time.Duration {
	if tok.ExpiresIn <= 0 {
		return time.Minute
	}
	return time.Duration(tok.ExpiresIn) * time.Second
}

// tokenError turns a failed token exchange into an error without the token
// server's words, which can hold a token.
func (a *authorizer) tokenError(ctx context.Context, err error, scopes []string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if refused, ok := errors.AsType[*transport.Error](err); ok {
		f := &failure{op: "get a token for", subject: a.repo.Name(), status: refused.StatusCode}
		return f.classify(a.anonymous(), scopes)
	}
	if strings.HasPrefix(err.Error(), "no token in bearer response") {
		err = errors.New("the answer of the token server has no token")
	}
	return &failure{op: "get a token for", subject: a.repo.Name(), cause: bare(err)}
}

// current is the challenge that the registry made last.
func (a *authorizer) current() transport.Challenge {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.challenge
}

// anonymous says whether there is no credential for the registry.
func (a *authorizer) anonymous() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.nobody
}

// remember keeps secrets for redact.
func (a *authorizer) remember(secrets ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range secrets {
		if s != "" && !slices.Contains(a.secrets, s) {
			a.secrets = append(a.secrets, s)
		}
	}
}

// redact takes our secrets out of what the registry said: a careless server
// repeats the request's headers.
func (a *authorizer) redact(s string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, secret := range a.secrets {
		s = strings.ReplaceAll(s, secret, "[redacted]")
	}
	return s
}

func scopesOf(req *http.Request) []string {
	scopes, _ := req.Context().Value(scopesKey{}).([]string)
	return scopes
}

// withHeader is req with an Authorization header; the body is shared.
func withHeader(req *http.Request, value string) *http.Request {
	req = req.Clone(req.Context())
	if value != "" {
		req.Header.Set("Authorization", value)
	}
	return req
}

// sameOrigin says whether a credential for b may be sent to a.
func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(hostPort(a), hostPort(b))
}

// hostPort is the host of u with its port, also if that is the scheme's own.
func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	if u.Scheme == "http" {
		return u.Host + ":80"
	}
	return u.Host + ":443"
}
