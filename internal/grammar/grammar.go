// Package grammar has the grammar of names and tags in the OCI distribution
// specification, "Pulling manifests". go-containerregistry checks single characters
// only, so it accepts a/../b as a repository.
package grammar

import "regexp"

// Repository is the name of a repository, without its registry.
var Repository = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)

// Tag is a tag.
var Tag = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
