package platform

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/platform/outlet"
)

// PullPolicies returns the values of Options.PullPolicy, the usual one first.
func PullPolicies() []string { return []string{PullAlways, pullIfNotPresent, pullNever} }

const (
	// PullAlways is the value of Options.PullPolicy that asks registries alone.
	PullAlways = "always"

	pullIfNotPresent = "if-not-present"
	pullNever        = "never"
)

// checkPullPolicy fills in the policy that the user has not given.
func (p *Platform) checkPullPolicy(r *resolved) error {
	where := "--pull-policy"
	if r.PullPolicy == "" && p.Config != nil && p.Config.PullPolicy != "" {
		where, r.PullPolicy = "pull-policy in "+p.Config.Path(), p.Config.PullPolicy
	}
	if r.PullPolicy == "" {
		r.PullPolicy = PullAlways
	}
	if !slices.Contains(PullPolicies(), r.PullPolicy) {
		return hint.Usagef("choose always, if-not-present or never", "%s: there is no policy %q", where, r.PullPolicy)
	}
	return nil
}

// have reads an image from where the pull policy says: the daemon, or its
// registry.
func (p *Platform) have(ctx context.Context, r *resolved, wanted need) (v1.Image, error) {
	if r.PullPolicy == PullAlways {
		return p.pull(ctx, r, wanted)
	}
	reachable := r.probeDaemon(ctx)
	if reachable == nil {
		found, err := r.daemon.Find(ctx, outlet.NameOf(wanted.ref))
		if err == nil {
			r.kept = append(r.kept, found)
			return found, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s %s: %w", wanted.what, wanted.ref, err)
		}
		reachable = err
	}
	if r.PullPolicy == pullNever {
		return nil, hint.Errorf("pull it with `docker pull`, or choose --pull-policy if-not-present",
			"%s %s cannot be had without pulling it: %w", wanted.what, wanted.ref, reachable)
	}
	return p.pull(ctx, r, wanted)
}
