// Package extra finds the buildpacks that a build wants beyond what its builder
// does by itself, and lays them and a new order over the builder image: by name
// in the builder, as a directory, an archive, a buildpackage in a registry or in
// a file, or as a script in the project descriptor. What a name means, and how
// the order comes about, is as in pack.
//
// What it is not for: reading the project descriptor (package
// platform/project), credentials (the caller fetches images) and judging trust:
// Additions.Outside says what did not come from the builder.
package extra
