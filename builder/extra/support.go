package extra

import (
	"slices"
	"strings"

	"github.com/pack-cache/pack-cache/builder"
	"github.com/pack-cache/pack-cache/internal/hint"
)

// checkSupport fails if a buildpack that was found is not made for the builder:
// for another stack, for one with more mixins, or for another target. pack
// refuses it in the same cases. From Platform API 0.12 on there are no stacks, and
// detect looks at the targets.
func (r *resolver) checkSupport() error {
	if !r.stacks {
		return nil
	}
	for _, m := range r.found {
		if len(m.Order) > 0 {
			continue // its parts count
		}
		if err := r.checkStacks(m); err != nil {
			return about(m.name(), err)
		}
		if err := r.checkTargets(m); err != nil {
			return about(m.name(), err)
		}
	}
	return nil
}

const supportHint = "use a buildpack or a builder that fits; `pack-cache builder inspect` tells what the builder is"

// checkStacks looks at what came before targets (CNB Buildpack specification,
// "Stacks"). Mixins of the run image alone are not the builder's.
func (r *resolver) checkStacks(m module) error {
	if len(m.Stacks) == 0 {
		return nil
	}
	at := slices.IndexFunc(m.Stacks, func(s builder.Stack) bool { return s.ID == r.stack.ID || s.ID == "*" })
	if at < 0 {
		var ids []string
		for _, s := range m.Stacks {
			ids = append(ids, s.ID)
		}
		if r.stack.ID == "" {
			return hint.Errorf(supportHint, "it is for %s, and the builder has no stack", few(ids))
		}
		return hint.Errorf(supportHint, "it does not support stack %s, but %s", r.stack.ID, few(ids))
	}
	var missing []string
	for _, mixin := range m.Stacks[at].Mixins {
		if !strings.HasPrefix(mixin, "run:") && !slices.Contains(r.stack.Mixins, mixin) {
			missing = append(missing, mixin)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return hint.Errorf(supportHint, "it requires mixins that the builder does not have: %s", few(missing))
	}
	return nil
}

// checkTargets looks at the operating system, the processor and the distribution
// (CNB Buildpack specification, "Targets").
func (r *resolver) checkTargets(m module) error {
	if len(m.Targets) == 0 || slices.ContainsFunc(m.Targets, r.fits) {
		return nil
	}
	var all []string
	for _, t := range m.Targets {
		all = append(all, t.String())
	}
	return hint.Errorf(supportHint, "it is for %s, the builder for %s", few(all), builder.ModuleTarget{
		OS: r.target.OS, Arch: r.target.Architecture,
		Distros: []builder.Distro{{Name: r.target.DistroName, Version: r.target.DistroVersion}},
	})
}

func (r *resolver) fits(t builder.ModuleTarget) bool {
	switch b := r.target; {
	case t.OS != b.OS && t.OS != "":
		return false
	case t.Arch != b.Architecture && t.Arch != "" && b.Architecture != "":
		return false
	case len(t.Distros) == 0 || b.DistroName == "" || b.DistroVersion == "":
		return true
	default:
		return slices.Contains(t.Distros, builder.Distro{Name: b.DistroName, Version: b.DistroVersion})
	}
}
