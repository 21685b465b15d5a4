package platform

import (
	"maps"
	"slices"

	"github.com/pack-cache/pack-cache/internal/hint"
)

const (
	// maxVariable is how many bytes Linux passes to a program as one variable: NAME=VALUE
	// and a zero byte (MAX_ARG_STRLEN of execve(2)).
	maxVariable = 128 << 10
	// maxVariables is how many bytes all variables may have: the quarter of the usual
	// limit of a stack, which is what Linux passes to a program, less what the lifecycle
	// and buildpacks add.
	maxVariables = 2<<20 - 256<<10
	// pointerSize is what each variable takes beside its bytes.
	pointerSize = 8
)

// checkEnvironment refuses what no buildpack could be started with. The lifecycle
// gives buildpacks all variables of the user as their environment.
func checkEnvironment(env map[string]string) error {
	const way = "put it into a file, and name the file to the buildpack: one of the source, or one that --volume mounts"
	all := 0
	for _, name := range slices.Sorted(maps.Keys(env)) {
		size := len(name) + len("=") + len(env[name]) + 1
		if size > maxVariable {
			return hint.Usagef(way,
				"environment variable %s has %d bytes; Linux passes no more than %d to a program, with the name", name, len(env[name]), maxVariable-1)
		}
		all += size + pointerSize
	}
	if all > maxVariables {
		return hint.Usagef(way, "all environment variables together have %d bytes; Linux passes no more than %d to a program", all, maxVariables)
	}
	return nil
}
