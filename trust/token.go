package trust

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pack-cache/pack-cache/internal/reach"
	"github.com/pack-cache/pack-cache/internal/redact"
)

// defaultLife is how long a token lives when the server does not say, by
// https://distribution.github.io/distribution/spec/auth/token/.
const defaultLife = time.Minute

// lifetime is the time for which a token can be used. The zero value is that of
// something that was not minted and cannot be renewed.
type lifetime struct {
	// from is when the token was asked for.
	from   time.Time
	length time.Duration
}

// margin is how long before its end a token is renewed, at most.
const margin = 30 * time.Second

// ending says whether the token should be renewed: in the last quarter of its
// life, or in the last half minute of a long one.
func (l lifetime) ending(now time.Time) bool {
	return l.length > 0 && now.After(l.from.Add(l.length-min(l.length/4, margin)))
}

// over says whether the token is of no use any more.
func (l lifetime) over(now time.Time) bool {
	return l.length > 0 && now.After(l.from.Add(l.length))
}

func isBearer(challenge *transport.Challenge) bool {
	return strings.EqualFold(challenge.Scheme, "bearer")
}

// exchange asks the token server of the challenge for one token for all targets
// of the group.
func (m minter) exchange(ctx context.Context, group wanted, challenge *transport.Challenge) (Credential, lifetime, error) {
	registry := group.targets[0].repo.Registry
	var scopes []string
	for _, t := range slices.Concat(group.targets, group.mounted) {
		scopes = append(scopes, t.action())
	}
	asked := time.Now()
	token, err := transport.Exchange(ctx, registry, group.cred.Authenticator(), m.transport, scopes, challenge)
	var status *transport.Error
	switch {
	case errors.As(err, &status) && (status.StatusCode == http.StatusUnauthorized || status.StatusCode == http.StatusForbidden):
		return Credential{}, lifetime{}, denied(group.targets, err)
	case err != nil:
		return Credential{}, lifetime{}, unreachable(registry.RegistryStr(), err)
	}
	value := token.Token
	if value == "" {
		value = token.AccessToken
	}
	life := lifetime{from: asked, length: time.Duration(token.ExpiresIn) * time.Second}
	if token.ExpiresIn <= 0 {
		life.length = defaultLife
	}
	return NewCredential(authn.AuthConfig{RegistryToken: value}), life, nil
}

// denied is the error for a registry that refuses a credential for targets.
func denied(targets []target, err error) *CredentialError {
	host := targets[0].repo.RegistryStr()
	return &CredentialError{
		Host: host, Access: accessOf(targets), Reason: "the registry refuses", Err: cleaned(err),
		Remedy: reach.Login(host, true, ""),
	}
}

// about returns err, or where it is a refusal the same one for targets.
func about(targets []target, err error) error {
	var known *CredentialError
	if !refused(err) || !errors.As(err, &known) {
		return err
	}
	changed := *known
	changed.Access = accessOf(targets)
	return &changed
}

// refused says whether err is a refusal, as opposed to a failure.
func refused(err error) bool {
	var known *CredentialError
	return errors.As(err, &known) && len(known.Access) > 0
}

// errorCode is the form of the codes that the OCI distribution specification
// gives to errors.
var errorCode = regexp.MustCompile(`^[A-Z][A-Z_]{1,40}$`)

// answerError is what a registry or its token server answered, reduced to what
// cannot hold a secret: a body may repeat what was sent or hold a token.
type answerError struct {
	status int
	codes  []transport.ErrorCode
}

// Error implements error.
func (e *answerError) Error() string {
	text := fmt.Sprintf("%d %s", e.status, http.StatusText(e.status))
	for _, code := range e.codes {
		if errorCode.MatchString(string(code)) {
			text += " " + string(code)
		}
	}
	return text
}

// plainAnswer is what a client says that spoke TLS to a server without.
const plainAnswer = "server gave HTTP response to HTTPS client"

// cleaned returns err without anything that may be a secret. Where a registry
// was tried with and without TLS, it is the error that explains more.
func cleaned(err error) error {
	if cancelled(err) {
		return err
	}
	request, noAnswer := errors.AsType[*url.Error](err)
	status, answered := errors.AsType[*transport.Error](err)
	switch {
	case answered && (!noAnswer || strings.Contains(request.Error(), plainAnswer)):
		answer := &answerError{status: status.StatusCode}
		for _, diagnostic := range status.Errors {
			answer.codes = append(answer.codes, diagnostic.Code)
		}
		return answer
	case noAnswer:
		if text := request.Err.Error(); redact.String(text) != text {
			return errors.New(redact.String(text))
		}
		return request.Err
	case strings.HasPrefix(err.Error(), "invalid realm"):
		return errors.New("it sends its users to a token server that is not allowed to be one (a private address, or not https)")
	}
	return errors.New("its token server gave an answer that cannot be used")
}
