package platform

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pack-cache/pack-cache/trust"
)

// runImageWhat is what errors call a run image.
const runImageWhat = "run image"

// userNamed reports whether the user's login may be used to read a run image: the
// user has named it, by --run-image or in config.toml, or trusts the builder that
// names it. Otherwise a builder could have any image published that the user can
// read.
func (p *Platform) userNamed(r *resolved, image string) bool {
	if r.RunImage != "" || r.verdict.Builder {
		return true
	}
	if p.Config == nil {
		return false
	}
	for _, run := range p.Config.RunImages {
		if slices.ContainsFunc(append(slices.Clone(run.Mirrors), run.Image), func(known string) bool { return sameName(known, image) }) {
			return true
		}
	}
	return false
}

// accessTo is access to what is read, anonymous for a run image that only an
// untrusted builder names.
func (p *Platform) accessTo(ctx context.Context, r *resolved, what string) []remote.Option {
	options := p.access(ctx, r)
	if what == runImageWhat && r.runAnonymous {
		// In the place of the one before.
		options = append(options, remote.WithAuthFromKeychain(anonymous{}))
	}
	return options
}

// anonymous is a keychain that has nothing.
type anonymous struct{}

// Resolve implements authn.Keychain.
func (anonymous) Resolve(authn.Resource) (authn.Authenticator, error) { return authn.Anonymous, nil }

// pullRun is the access of a phase to the run image.
func (r *resolved) pullRun(repository name.Repository) trust.Access {
	if r.runAnonymous {
		return trust.PullAnonymously(repository)
	}
	return trust.Pull(repository)
}

// notNamed says why a run image could not be read that was read anonymously.
func (r *resolved) notNamed(image string, err error) error {
	if !r.runAnonymous {
		return err
	}
	remedy := fmt.Sprintf("it was read without your login, because only the builder names it, which is not trusted: "+
		"if that is the run image that you want, name it (--run-image %s), or trust the builder (--trust-builder, or `pack-cache config trusted-builders add`)", image)
	if denied, ok := errors.AsType[*trust.CredentialError](err); ok {
		return &trust.CredentialError{
			Host: denied.Host, Access: denied.Access, Remedy: remedy,
			Reason: "the registry refuses to let the run image be read without a login, and only an untrusted builder names it",
		}
	}
	if absent, ok := errors.AsType[*notThereError](err); ok {
		return &hintedError{absent, remedy}
	}
	return err
}
