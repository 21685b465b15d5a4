package inplace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// devices are those that a phase may use.
var devices = []string{"null", "zero", "full", "random", "urandom", "tty"}

// task lays out what a phase may do.
func (p *place) task(phase lifecycle.Phase) (*task, error) {
	if err := errors.Join(phase.Check(p.Volumes), phase.CheckHidden()); err != nil {
		return nil, err
	}
	if phase.Network == lifecycle.NetworkNone {
		return nil, p.host.facts("").NoNetwork
	}
	t := &task{Phase: phase, User: p.host.as(phase.User), Root: p.host.root, ABI: p.host.abi}
	var err error
	if t.Rules, err = p.mounts(phase); err != nil {
		return nil, err
	}
	t.Phase.Env = append(slices.Clone(phase.Env), p.env...)
	t.Rules = append(t.Rules, p.common()...)
	if phase.Root == lifecycle.BuilderRoot {
		t.Rules = slices.Concat(t.Rules, p.terminalRules(), p.grants, p.more)
		t.Calls = p.calls
		return t, nil
	}
	for _, file := range confine.TrustFiles(phase.Env) {
		t.Rules = append(t.Rules, confine.Rule{Path: file, Access: confine.Read})
	}
	t.Rules = existing(t.Rules)
	for i := range t.Rules {
		// Nothing that own phases see is a program.
		t.Rules[i].Access &^= confine.Execute
	}
	return t, nil
}

// common is what every phase may do in addition to what its mounts allow.
func (p *place) common() []confine.Rule {
	rules := []confine.Rule{{Path: "/proc", Access: confine.Read}, {Path: "/sys", Access: confine.Read}}
	for _, name := range devices {
		rules = append(rules, confine.Rule{Path: "/dev/" + name, Access: confine.Read | confine.Write | confine.Ioctl})
	}
	const all = confine.Read | confine.Write | confine.Execute
	for _, s := range p.scratch {
		rules = append(rules, confine.Rule{Path: s.dir, Access: all})
	}
	return existing(append(rules, confine.Rule{Path: p.host.path(tempVolume), Access: all}))
}

// existing leaves out rules for what is not there.
func existing(rules []confine.Rule) []confine.Rule {
	return slices.DeleteFunc(rules, func(r confine.Rule) bool {
		_, err := os.Stat(r.Path)
		return err != nil
	})
}

// mounts turns mounts, which are not possible here, into rules for what is there
// already.
func (p *place) mounts(phase lifecycle.Phase) ([]confine.Rule, error) {
	var rules []confine.Rule
	for _, m := range phase.Mounts {
		source := m.Builder
		switch {
		case m.Volume != "":
			source = p.host.volume(m.Volume)
		case m.Host != "":
			source = m.Host
		}
		if filepath.Clean(m.Target) != filepath.Clean(source) {
			return nil, hint.Errorf("use another engine (--engine sandbox or docker)",
				"mount of %s: nothing can be mounted in place, and it is at %s", m.Target, source)
		}
		if _, err := os.Stat(source); errors.Is(err, fs.ErrNotExist) && m.Optional {
			continue
		} else if err != nil {
			return nil, fmt.Errorf("mount of %s: %w", m.Target, err)
		}
		access := confine.Read | confine.Execute
		if !m.ReadOnly && m.Builder == "" {
			access |= confine.Write
		}
		rules = append(rules, confine.Rule{Path: source, Access: access})
		if m.Builder != "" && within(source, lifecycle.CNBDir) {
			// Own phases look for what a mount may lack, too.
			rules = append(rules, confine.Rule{Path: lifecycle.CNBDir, Access: confine.Read})
		}
	}
	return rules, nil
}
