package named

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pack-cache/pack-cache/internal/attrs"
	"github.com/pack-cache/pack-cache/internal/hint"
)

// variables replaces ${VAR} and ${VAR:-default} in parsed values.
type variables struct {
	env    attrs.Lookup
	dotEnv *dotEnv
}

// lookup finds a variable: in the environment, else in the .env file. One that is
// empty is not there, because an unset secret of a CI system is an empty one.
func (v *variables) lookup(name string) (string, bool) {
	if value, ok := v.env(name); ok && value != "" {
		return value, true
	}
	if value := v.dotEnv.values[name]; value != "" {
		v.dotEnv.used = true
		return value, true
	}
	return "", false
}

// replace replaces the variables in the value of a field. allowed, if not nil,
// says which. The error shows no value.
func (v *variables) replace(field, value string, allowed func(name string) bool) (string, error) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(value, "${")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		inside, after, closed := strings.Cut(rest, "}")
		name, fallback, hasFallback := strings.Cut(inside, ":-")
		if !closed || !variableName.MatchString(name) {
			return "", hint.Usagef("write ${NAME} or ${NAME:-default}", "%s: a ${ is not followed by the name of a variable and a }", field)
		}
		if allowed != nil && !allowed(name) {
			return "", hint.Usagef("use a variable whose name ends in "+strings.Join(placeNames, ", ")+", or move the cache to your own file",
				"%s: ${%s} may be a secret, and %s is not a secret place", field, name, field)
		}
		switch found, ok := v.lookup(name); {
		case ok:
			out.WriteString(found)
		case hasFallback:
			out.WriteString(fallback)
		default:
			return "", hint.Usagef(fmt.Sprintf("set it, put it into %s, or write ${%s:-default}", v.dotEnv.path, name),
				"%s: the variable %s is not set", field, name)
		}
		value = after
	}
}

// placeNames end the names of variables that say where something is.
var placeNames = []string{"BRANCH", "HOST", "NAMESPACE", "OWNER", "REGISTRY", "REPOSITORY", "SLUG"}

// isPlace reports whether a variable says where something is, so that its value
// may be seen.
func isPlace(name string) bool {
	parts := strings.Split(strings.ToUpper(name), "_")
	return slices.Contains(placeNames, parts[len(parts)-1])
}
