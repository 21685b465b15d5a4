package build

import (
	"strings"

	"github.com/pack-cache/pack-cache/lifecycle"
)

// engineNames are what --engine takes.
func engineNames(engines []lifecycle.Engine) []string {
	names := []string{"auto"}
	for _, engine := range engines {
		names = append(names, engine.Traits().Name)
	}
	return names
}

// engineHelp is the help of --engine. Engines for a special place come last.
func engineHelp(engines []lifecycle.Engine) string {
	all, special := []string{"auto"}, []string(nil)
	for _, engine := range engines {
		if traits := engine.Traits(); traits.Where == "" {
			all = append(all, traits.Name)
		} else {
			special = append(special, traits.Name+" ("+traits.Where+")")
		}
	}
	all = append(all, special...)
	last := len(all) - 1
	return "what gives the phases a place to run: " + strings.Join(all[:last], ", ") + " or " + all[last]
}
