package trust

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pack-cache/pack-cache/internal/redact"
)

// Grant is the credential for one scope, or the keys to one store. Mint and GrantKeys
// make it, json.Marshal writes it with its secrets for the phase, and
// json.Unmarshal reads it there; in every other way it prints without them. It is
// immutable and safe for concurrent use. The zero value grants nothing.
type Grant struct {
	permits  []permit
	refusals []Refusal
	// keys open a store, in the form that the store's kind knows.
	keys redact.Secret
}

// GrantKeys returns a grant of the keys to a store that is not a registry.
func GrantKeys(keys redact.Secret) *Grant { return &Grant{keys: keys} }

// Keys returns the keys to a store, zero if the grant has none.
func (g Grant) Keys() redact.Secret { return g.keys }

// permit is one credential and what it is for: repositories on one registry.
type permit struct {
	scope Scope
	cred  Credential
	life  lifetime
}

// Refusal is an optional repository that the grant has nothing for, and why.
type Refusal struct {
	Access Access
	Err    error
}

// Refusals returns the optional repositories that could not be had. They do not
// travel with the JSON of the grant.
func (g Grant) Refusals() []Refusal { return slices.Clone(g.refusals) }

// Scope returns what the grant covers, anonymously or not.
func (g Grant) Scope() Scope {
	var scope Scope
	for _, p := range g.permits {
		scope = append(scope, p.scope...)
	}
	return scope
}

// Redactor returns one that knows the secrets of the grant, for the output of
// the phase that has it.
func (g Grant) Redactor() redact.Redactor {
	var secrets []string
	for _, p := range g.permits {
		secrets = append(secrets, p.cred.secrets()...)
	}
	return redact.New(secrets...)
}

// String lists what is granted, without the secrets.
func (g Grant) String() string {
	what := g.Scope().String()
	if !g.keys.IsZero() {
		what = "keys to a store"
	}
	return "grant(" + what + ") " + redact.Mark
}

// GoString implements fmt.GoStringer as String does.
func (g Grant) GoString() string { return g.String() }

// Format implements fmt.Formatter, so that no verb shows a secret.
func (g Grant) Format(f fmt.State, _ rune) { fmt.Fprint(f, g.String()) }

// LogValue implements slog.LogValuer.
func (g Grant) LogValue() slog.Value { return slog.StringValue(g.String()) }

// wireGrant is the JSON of a grant.
type wireGrant struct {
	Permits []wirePermit `json:"permits"`
	Keys    string       `json:"keys,omitempty"`
}

type wirePermit struct {
	Scope         Scope  `json:"scope"`
	Username      string `json:"username,omitempty"`
	Password      string `json:"password,omitempty"`
	Auth          string `json:"auth,omitempty"`
	IdentityToken string `json:"identitytoken,omitempty"`
	RegistryToken string `json:"registrytoken,omitempty"`
	// Life and Left are nanoseconds. What is left travels, not the end: the
	// clock where the phase runs may be another one.
	Life time.Duration `json:"life,omitempty"`
	Left time.Duration `json:"left,omitempty"`
}

// MarshalJSON writes the grant with its secrets, for the phase alone.
func (g Grant) MarshalJSON() ([]byte, error) {
	wire := wireGrant{Permits: []wirePermit{}, Keys: g.keys.Reveal()}
	for _, p := range g.permits {
		config := p.cred.config()
		w := wirePermit{
			Scope: p.scope, Username: config.Username, Password: config.Password, Auth: config.Auth,
			IdentityToken: config.IdentityToken, RegistryToken: config.RegistryToken,
		}
		if p.life.length > 0 {
			w.Life, w.Left = p.life.length, p.life.length-time.Since(p.life.from)
		}
		wire.Permits = append(wire.Permits, w)
	}
	return json.Marshal(wire)
}

// UnmarshalJSON reads what MarshalJSON wrote. Its errors do not show what it
// was given.
func (g *Grant) UnmarshalJSON(data []byte) error {
	var wire wireGrant
	if err := redact.JSONError(json.Unmarshal(data, &wire)); err != nil {
		return fmt.Errorf("reading a grant: %w", err)
	}
	*g = Grant{keys: redact.NewSecret(wire.Keys)}
	for _, w := range wire.Permits {
		p := permit{scope: w.Scope, cred: NewCredential(authn.AuthConfig{
			Username: w.Username, Password: w.Password, Auth: w.Auth,
			IdentityToken: w.IdentityToken, RegistryToken: w.RegistryToken,
		})}
		if w.Life > 0 {
			p.life = lifetime{from: time.Now().Add(w.Left - w.Life), length: w.Life}
		}
		g.permits = append(g.permits, p)
	}
	return nil
}
