package builder

import (
	"strings"

	"github.com/buildpacks/lifecycle/api"
)

// ModuleTarget is what a buildpack is made for (CNB Buildpack specification,
// "Targets"). What is empty is everything.
type ModuleTarget struct {
	OS      string   `json:"os" toml:"os"`
	Arch    string   `json:"arch" toml:"arch"`
	Distros []Distro `json:"distros" toml:"distros"`
}

// Distro is a distribution of an operating system.
type Distro struct {
	Name    string `json:"name" toml:"name"`
	Version string `json:"version" toml:"version"`
}

// String is such as "linux/arm64 ubuntu 24.04".
func (t ModuleTarget) String() string {
	text := t.OS
	if t.Arch != "" {
		text += "/" + t.Arch
	}
	for _, d := range t.Distros {
		text += strings.TrimRight(" "+d.Name+" "+d.Version, " ")
	}
	return text
}

// Stack returns the stack of the builder. Its ID is empty if it has none.
func (b *Builder) Stack() (Stack, error) {
	labels, err := b.labels()
	if err != nil {
		return Stack{}, err
	}
	stack := Stack{ID: labels[stackIDLabel]}
	return stack, readLabel(labels, stackMixinsLabel, &stack.Mixins)
}

// HasStacks reports whether builds with the builder are by a Platform API before
// 0.12, the first without stacks.
func (b *Builder) HasStacks() bool {
	spoken, err := b.PlatformAPI()
	if err != nil {
		return false
	}
	version, err := api.NewVersion(spoken)
	return err == nil && version.LessThan("0.12")
}
