// Package trust decides whether a builder is trusted, and makes sure that a
// credential reaches only the phase that needs it and only for the repositories
// of its scope.
//
// A credential goes this way. Package keychain finds it where Docker and the
// lifecycle look for one. Mint turns it into a Grant for one Scope, with a token of
// the registry in place of the password wherever the registry hands out tokens. The
// grant is written to the phase as JSON. There, Grant.Keychain gives it to the
// clients of the registry.
//
// Every login to a registry passes through this package, and prints as
// [redacted] with every verb. Secrets are written out only in the JSON of a Grant.
//
// What this package is not for: finding credentials (package keychain), keeping the
// list of trusted builders (platform/config), talking to registries beyond asking
// for a token, and carrying a grant to a phase.
package trust
