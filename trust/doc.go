// Package trust decides whether a builder is trusted, and makes sure that a
// credential reaches only the phase that needs it and only for the repositories
// of its scope.
//
// Every secret of pack-cache passes through this package, and prints as
// [redacted].
package trust
