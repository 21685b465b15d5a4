package registry

import (
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/grammar"
)

// RefError says that a reference cannot be parsed: a mistake in what the user
// wrote, not a failure of the registry.
type RefError struct {
	// Ref is the reference, without a password that it may have contained.
	Ref    string
	Reason string
	hint   string
}

// Error implements error.
func (e *RefError) Error() string {
	return fmt.Sprintf("invalid image reference %q: %s", e.Ref, e.Reason)
}

// Hint says how to write the reference.
func (e *RefError) Hint() string { return e.hint }

// parse splits a reference into its repository and its tag or digest.
func parse(ref string, insecure bool) (name.Repository, string, error) {
	fail := func(shown, reason, hint string) (name.Repository, string, error) {
		return name.Repository{}, "", &RefError{shown, reason, hint}
	}
	// go-containerregistry's messages repeat the reference, so these two have
	// to be found before it sees them.
	scheme, rest, hasScheme := strings.Cut(ref, "://")
	if !hasScheme {
		scheme, rest = "", ref
	}
	if host, path, _ := strings.Cut(rest, "/"); strings.Contains(host, "@") && !isDigest(host) {
		host = host[strings.LastIndex(host, "@")+1:]
		return fail("[redacted]@"+host+"/"+path, "it contains a credential",
			"leave the credential out and log in to the registry instead, with docker login or CNB_REGISTRY_AUTH")
	}
	if hasScheme {
		return fail(ref, "it begins with "+scheme+"://", "write "+rest)
	}
	var options []name.Option
	if insecure {
		options = append(options, name.Insecure)
	}
	parsed, err := name.ParseReference(ref, options...)
	if err != nil {
		return fail(ref, err.Error(), "write REGISTRY/REPOSITORY[:TAG], as in registry.example.com/team/cache:main")
	}
	if repository := parsed.Context().RepositoryStr(); !grammar.Repository.MatchString(repository) {
		return fail(ref, fmt.Sprintf("%q is not the name of a repository", repository), "use lower-case letters and digits with single separators (. _ - /) between them")
	}
	if tag, ok := parsed.(name.Tag); ok && !grammar.Tag.MatchString(tag.TagStr()) {
		return fail(ref, fmt.Sprintf("%q is not a tag", tag.TagStr()), tagHint)
	}
	return parsed.Context(), parsed.Identifier(), nil
}

// isDigest tells a reference without a registry, as in app@sha256:…, from one
// that begins with a user and password.
func isDigest(s string) bool {
	_, digest, _ := strings.Cut(s, "@")
	_, err := v1.NewHash(digest)
	return err == nil
}

const tagHint = "choose a tag of up to 128 letters, digits, '.', '_' and '-', which begins with a letter, digit or '_'"

// checkName refuses what could not be a tag or a digest, so that a name can
// never change the path of a request.
func (s *Store) checkName(n string) error {
	if _, err := v1.NewHash(n); err == nil || grammar.Tag.MatchString(n) {
		return nil
	}
	return &RefError{s.String() + ":" + n, "this is neither a digest nor a tag", tagHint}
}
