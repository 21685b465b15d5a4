// Package testactions is a cache service of GitHub Actions for tests, as far as
// its protocols are known: version 1 and 2, immutable entries, scopes of
// branches, prefix look-up, tokens with rights, and the part of the REST API that
// lists and deletes entries.
//
// Content is behind signed URLs: in memory, or in Azurite. So that the service is
// not merely what its client believes, GitHub's own client, the npm package
// @actions/cache, is run against it, too (package gha).
package testactions
