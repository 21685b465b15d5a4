package trust

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/internal/web"
)

// MintOptions says how Mint talks to registries. The zero value is right where
// all of them are secure.
type MintOptions struct {
	// Insecure are registries, with their port, that may be spoken to without
	// TLS, or with certificates that nobody verifies. Loopback and private
	// addresses may be spoken to without TLS in any case.
	Insecure []string
	// Transport is used as it is, for insecure registries too. When it is nil,
	// it is one that waits as web.Patient says, or as the budget of the context
	// does.
	Transport http.RoundTripper
	// Spare is what may be waited for registries that have only optional
	// repositories of the scope; nil is as for the others.
	Spare *web.Budget
}

// atOnce is how many registries Mint asks at the same time.
const atOnce = 8

// Mint makes the grant for scope: for each repository the least credential that
// its registry can be made to give.
//
// Where the registry answers with a Bearer challenge
// (https://distribution.github.io/distribution/spec/auth/token/), that is a
// token for exactly the repositories of the scope on this registry — one for
// all of them, since mounting a blob from one repository into another needs
// both. Where it does not hand out tokens, it is the user's own credential for
// the host. A repository for which keychain has none is left to be tried
// anonymously.
//
// A registry that refuses is a *CredentialError that names the repositories it
// refused, one that cannot be reached another error that names the host; for
// optional repositories both are reported by Grant.Refusals instead. A token
// server may quietly allow less than it was asked for; the registry then
// refuses when the token is used. No error holds a secret.
func Mint(ctx context.Context, keychain authn.Keychain, scope Scope, options MintOptions) (*Grant, error) {
	hosts, err := scope.byHost(options.Insecure)
	if err != nil {
		return nil, err
	}
	m := minter{keychain: keychain, transport: options.Transport}
	if m.transport == nil {
		m.transport = Transport(options.Insecure, web.Patient(), nil)
	}
	m.transport = transport.NewUserAgent(m.transport, "pack-cache")

	minted := make([]Grant, len(hosts))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, targets := range hosts {
		group.Go(func() (err error) {
			ctx := groupCtx
			needed := slices.ContainsFunc(targets, func(t target) bool { return !t.Optional })
			if options.Spare != nil && !needed {
				ctx = web.With(ctx, options.Spare)
			}
			minted[i], err = m.host(ctx, targets)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	grant := &Grant{}
	for _, part := range minted {
		grant.permits = append(grant.permits, part.permits...)
		grant.refusals = append(grant.refusals, part.refusals...)
	}
	return grant, nil
}

type minter struct {
	keychain  authn.Keychain
	transport http.RoundTripper
}

// host mints for the targets on one registry.
func (m minter) host(ctx context.Context, targets []target) (Grant, error) {
	var grant Grant
	for _, group := range m.byCredential(ctx, targets) {
		permits, err := m.permits(ctx, group)
		switch {
		case err == nil:
			grant.permits = append(grant.permits, permits...)
		case ctx.Err() != nil:
			return Grant{}, ctx.Err()
		default:
			rest, refusals, err := m.without(ctx, group, err)
			if err != nil {
				return Grant{}, err
			}
			grant.permits = append(grant.permits, rest...)
			grant.refusals = append(grant.refusals, refusals...)
		}
	}
	return grant, nil
}

// wanted are targets on one registry to which the same credential belongs.
type wanted struct {
	targets []target
	cred    Credential
	// err says that the credential could not be had.
	err error
	// mounted are repositories that anybody can read. A token names them, too,
	// because a registry mounts a blob of theirs only for a token that does.
	mounted []target
}

// byCredential resolves the credentials of the targets. Usually a registry has
// one; where repositories have their own, a token must not cover them all.
func (m minter) byCredential(ctx context.Context, targets []target) []wanted {
	var groups []wanted
	for _, t := range targets {
		var cred Credential
		var err error
		if !t.Anonymous {
			cred, err = resolve(ctx, m.keychain, t.repo)
		}
		same := func(w wanted) bool {
			return err == nil && w.err == nil && w.cred.config() == cred.config()
		}
		if i := slices.IndexFunc(groups, same); i >= 0 {
			groups[i].targets = append(groups[i].targets, t)
		} else {
			groups = append(groups, wanted{targets: []target{t}, cred: cred, err: err})
		}
	}
	for i := range groups {
		for _, t := range targets {
			if t.Anonymous {
				groups[i].mounted = append(groups[i].mounted, t)
			}
		}
	}
	return groups
}

// without finds out which of the targets made permits fail with cause, and
// mints for the others. Where a required one did, the error is about the
// required ones.
func (m minter) without(ctx context.Context, group wanted, cause error) ([]permit, []Refusal, error) {
	var (
		good     = wanted{cred: group.cred, mounted: group.mounted}
		bad      []target
		reasons  = map[string]error{}
		single   []permit
		required []target
	)
	for _, t := range group.targets {
		err := cause
		if refused(cause) && len(group.targets) > 1 {
			var alone []permit
			alone, err = m.permits(ctx, wanted{targets: []target{t}, cred: group.cred, mounted: group.mounted})
			single = append(single, alone...)
		}
		switch {
		case ctx.Err() != nil:
			return nil, nil, ctx.Err()
		case err == nil:
			good.targets = append(good.targets, t)
			continue
		case !t.Optional:
			required = append(required, t)
		}
		bad = append(bad, t)
		reasons[t.Repository] = err
	}
	if len(required) > 0 {
		return nil, nil, about(required, reasons[required[0].Repository])
	}
	var refusals []Refusal
	for _, t := range bad {
		refusals = append(refusals, Refusal{Access: t.Access, Err: reasons[t.Repository]})
	}
	// They are in the scope nevertheless, without a credential.
	rest := []permit{{scope: accessOf(bad)}}
	if len(good.targets) == 0 {
		return rest, refusals, nil
	}
	together, err := m.permits(ctx, good)
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	if err != nil {
		// One by one they were allowed; then let it be one by one.
		together = single
	}
	return append(rest, together...), refusals, nil
}

// permits asks the registry. A refusal is a *CredentialError.
func (m minter) permits(ctx context.Context, group wanted) ([]permit, error) {
	if group.err != nil {
		return nil, group.err
	}
	p := permit{scope: accessOf(group.targets), cred: group.cred}
	if group.cred.Anonymous() || group.cred.config().RegistryToken != "" {
		// Without a credential there is nothing to narrow, and a token is
		// passed on as the user made it.
		return []permit{p}, nil
	}
	registry := group.targets[0].repo.Registry
	challenge, err := transport.Ping(ctx, registry, m.transport)
	if err != nil {
		return nil, unreachable(registry.RegistryStr(), err)
	}
	if !isBearer(challenge) {
		if group.cred.config().IdentityToken != "" {
			return nil, &CredentialError{
				Host: registry.RegistryStr(), Access: p.scope,
				Reason: "an identity token is of no use, since the registry hands out no tokens",
				Remedy: "log in to " + registry.RegistryStr() + " with a user and a password",
			}
		}
		return []permit{p}, nil
	}
	p.cred, p.life, err = m.exchange(ctx, group, challenge)
	if err != nil {
		return nil, err
	}
	return []permit{p}, nil
}

// unreachable reports a registry that did not answer as one should.
func unreachable(host string, err error) error {
	if cancelled(err) {
		return fmt.Errorf("registry %s: %w", host, err)
	}
	return &UnreachableError{Host: host, Err: cleaned(err)}
}
