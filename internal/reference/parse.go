// Package reference reads image references as users write them.
//
// What it is not for: registries (package trust and the stores).
package reference

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/internal/grammar"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/redact"
)

// Error says that a reference cannot be read. It has no password that somebody may
// have written into the reference.
type Error struct{ error }

// Unwrap returns a *hint.UsageError, which says how to write the reference.
func (e *Error) Unwrap() error { return e.error }

// Parse reads a reference as docker and pack do. what is what the user gave it for;
// insecure are the hosts that may be reached without TLS. The error is an *Error.
func Parse(what, written string, insecure []string) (name.Reference, error) {
	const form = "write it as REGISTRY/REPOSITORY[:TAG]"
	refuse := func(shown, reason, way string) (name.Reference, error) {
		return nil, &Error{hint.Usagef(way, "%s %q is not an image reference: %s", what, shown, reason)}
	}
	scheme, rest, hasScheme := strings.Cut(written, "://")
	if !hasScheme {
		rest = written
	}
	host, path, below := strings.Cut(rest, "/")
	// Without a path, it may be app:1@sha256:….
	if at := strings.LastIndex(host, "@"); at >= 0 && (path != "" || strings.Contains(host[:at], ":") && !strings.HasPrefix(host[at:], "@sha256:")) {
		if below {
			path = "/" + path
		}
		return refuse(redact.Mark+host[at:]+path, "it contains a credential",
			"leave the credential out and log in with `docker login "+host[at+1:]+"`, or set CNB_REGISTRY_AUTH")
	}
	if hasScheme {
		return refuse(written, "it begins with "+scheme+"://", "leave that out: "+rest)
	}
	ref, err := name.ParseReference(written, name.WeakValidation)
	if err != nil {
		return refuse(written, reasonOf(written), form)
	}
	if repository := ref.Context().RepositoryStr(); !grammar.Repository.MatchString(repository) {
		return refuse(written, fmt.Sprintf("%q is not made of lower-case letters and digits with single separators (. _ - /) between them", repository), form)
	}
	if tag, ok := ref.(name.Tag); ok && !grammar.Tag.MatchString(tag.TagStr()) {
		return refuse(written, fmt.Sprintf("the tag %q does not begin with a letter, a digit or _", tag.TagStr()), form)
	}
	if slices.Contains(insecure, ref.Context().RegistryStr()) {
		return name.ParseReference(written, name.WeakValidation, name.Insecure)
	}
	return ref, nil
}

// reasonOf says why a reference cannot be parsed, which ParseReference keeps to
// itself.
func reasonOf(written string) string {
	var err error
	if strings.Contains(written, "@") {
		_, err = name.NewDigest(written, name.WeakValidation)
	} else {
		_, err = name.NewTag(written, name.WeakValidation)
	}
	if err == nil {
		return "it cannot be read"
	}
	return err.Error()
}
