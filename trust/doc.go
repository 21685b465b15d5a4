// Package trust decides whether a builder is trusted, and makes sure that a
// credential reaches only the phase that needs it and only for the repositories
// of its scope.
//
// The way of a credential: package keychain finds it where Docker and the
// lifecycle look for one; Mint turns it into a Grant for one Scope, with a token of the
// registry in place of the password wherever the registry hands out tokens;
// the grant is written to the phase as JSON, and there Grant.Keychain gives it
// to whoever talks to the registry.
//
// Every login to a registry passes through this package, and prints as
// [redacted], whatever the verb; the JSON of a Grant is the one place where
// secrets are written out.
//
// What this package is not for: finding credentials (package keychain), keeping the
// list of trusted builders (platform/config), talking to registries beyond asking
// for a token, and carrying a grant to a phase.
package trust
