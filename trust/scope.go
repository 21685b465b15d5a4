package trust

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pack-cache/pack-cache/internal/grammar"
)

// Access is one repository that a phase may touch, and how.
type Access struct {
	// Repository is host/repository, as name.Repository prints it.
	Repository string `json:"repository"`
	// Push allows writing as well as reading.
	Push bool `json:"push,omitempty"`
	// Delete allows deleting as well.
	Delete bool `json:"delete,omitempty"`
	// Optional says that the phase can do without: what goes wrong with this
	// repository is no error of Mint, but a Refusal of the grant.
	Optional bool `json:"optional,omitempty"`
	// Anonymous says that the repository is read without a credential, whatever
	// the user has for it.
	Anonymous bool `json:"anonymous,omitempty"`
}

// Pull returns the access that reads repo.
func Pull(repo name.Repository) Access { return Access{Repository: repo.String()} }

// PullAnonymously returns the access that reads repo as anybody can.
func PullAnonymously(repo name.Repository) Access {
	return Access{Repository: repo.String(), Anonymous: true}
}

// Push returns the access that reads and writes repo.
func Push(repo name.Repository) Access { return Access{Repository: repo.String(), Push: true} }

// Deletion returns the access that reads and deletes in repo.
func Deletion(repo name.Repository) Access { return Access{Repository: repo.String(), Delete: true} }

// OrDoWithout returns the same access, marked as optional.
func (a Access) OrDoWithout() Access {
	a.Optional = true
	return a
}

// String says what is allowed, such as "push to registry.example.com/app".
func (a Access) String() string {
	switch {
	case a.Delete:
		return "delete in " + a.Repository
	case a.Push:
		return "push to " + a.Repository
	}
	if a.Anonymous {
		return "pull anonymously from " + a.Repository
	}
	return "pull from " + a.Repository
}

// Scope is what a phase may touch. It holds no secrets.
type Scope []Access

// String lists what is allowed.
func (s Scope) String() string {
	parts := make([]string, len(s))
	for i, access := range s {
		parts[i] = access.String()
	}
	return strings.Join(parts, ", ")
}

// OnHost returns the part of the scope that lies on one registry.
func (s Scope) OnHost(host string) Scope {
	var part Scope
	for _, access := range s {
		if repo, err := name.NewRepository(access.Repository); err == nil &&
			grammar.Host(repo.RegistryStr()) == grammar.Host(host) {
			part = append(part, access)
		}
	}
	return part
}

// target is an access with its repository parsed.
type target struct {
	Access
	repo name.Repository
}

// action is what is asked of a token server for the target, in the form of
// https://distribution.github.io/distribution/spec/auth/scope/.
func (t target) action() string {
	scope := transport.PullScope
	if t.Push {
		scope = transport.PushScope
	}
	if t.Delete {
		scope += ",delete"
	}
	return t.repo.Scope(scope)
}

// byHost parses the scope and sorts it by registry. What is there twice becomes
// one: pushed to if one of the two is, optional or anonymous if both are.
func (s Scope) byHost(insecure []string) ([][]target, error) {
	unique := map[string]*target{}
	for _, access := range s {
		repo, err := parseRepository(access.Repository, insecure)
		if err != nil {
			return nil, err
		}
		access.Repository = repo.String()
		if known, ok := unique[access.Repository]; ok {
			known.Push, known.Delete = known.Push || access.Push, known.Delete || access.Delete
			known.Optional = known.Optional && access.Optional
			known.Anonymous = known.Anonymous && access.Anonymous
			continue
		}
		unique[access.Repository] = &target{Access: access, repo: repo}
	}
	hosts := map[string][]target{}
	for _, t := range unique {
		hosts[t.repo.RegistryStr()] = append(hosts[t.repo.RegistryStr()], *t)
	}
	var sorted [][]target
	for _, targets := range hosts {
		// Pushes first: some registries look at the first scope only.
		slices.SortFunc(targets, func(a, b target) int {
			if a.Push != b.Push && a.Push {
				return -1
			} else if a.Push != b.Push {
				return 1
			}
			return cmp.Compare(a.Repository, b.Repository)
		})
		sorted = append(sorted, targets)
	}
	slices.SortFunc(sorted, func(a, b []target) int {
		return cmp.Compare(a[0].repo.RegistryStr(), b[0].repo.RegistryStr())
	})
	return sorted, nil
}

func parseRepository(repository string, insecure []string) (name.Repository, error) {
	var options []name.Option
	repo, err := name.NewRepository(repository)
	if err != nil {
		return name.Repository{}, fmt.Errorf("repository %q: %w", repository, err)
	}
	for _, host := range insecure {
		if grammar.Host(host) == grammar.Host(repo.RegistryStr()) {
			options = append(options, name.Insecure)
		}
	}
	return name.NewRepository(repository, options...)
}

// accessOf returns the accesses of the targets.
func accessOf(targets []target) Scope {
	scope := make(Scope, len(targets))
	for i, t := range targets {
		scope[i] = t.Access
	}
	return scope
}
