package trust

import (
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/grammar"
)

// entry is a trusted builder as the configuration names it, normalised: a
// host, a repository and, if given, a tag or a digest.
type entry struct {
	host, repository string
	// tag and digest are empty when the entry does not give them. At most one
	// of them is set: the tag in repository:tag@digest decides nothing.
	tag, digest string
}

// parseEntry parses a builder's name as the configuration, the command line and
// pack spell it.
func parseEntry(builder string) (entry, error) {
	ref, err := name.ParseReference(builder, name.WithDefaultTag(""))
	if err != nil {
		// The parser's error says no more, and repeats the name.
		return entry{}, fmt.Errorf("builder %q is not a valid image reference", builder)
	}
	return entryOf(ref), nil
}

// entryOf normalises a reference. A tag that the reference does not give stays
// empty, unless ref was parsed with a default tag.
func entryOf(ref name.Reference) entry {
	e := entry{host: grammar.Host(ref.Context().RegistryStr()), repository: ref.Context().RepositoryStr()}
	if e.host == name.DefaultRegistry && !strings.Contains(e.repository, "/") {
		e.repository = "library/" + e.repository
	}
	switch ref := ref.(type) {
	case name.Digest:
		e.digest = ref.DigestStr()
	case name.Tag:
		e.tag = ref.TagStr()
	}
	return e
}

// matches says whether the entry trusts ref, which resolved to digest. The
// digest may be the zero value where nothing was resolved.
//
// Host and repository must be the same. An entry without tag and digest then
// trusts everything. An entry with a tag trusts a reference by this tag only,
// since nothing says that a digest belongs to it. An entry with a digest trusts
// whatever has that digest: content that resolved to it, or that is fetched by
// it (for an image index, what it resolved to is one of its images).
func (e entry) matches(ref name.Reference, digest v1.Hash) bool {
	given := entryOf(ref)
	if given.tag == "" && given.digest == "" {
		given.tag = name.DefaultTag
	}
	switch {
	case e.host != given.host || e.repository != given.repository:
		return false
	case e.digest != "":
		return e.digest == given.digest || e.digest == digest.String()
	default:
		return e.tag == "" || e.tag == given.tag
	}
}

// covers says whether everything that other trusts is trusted by e.
func (e entry) covers(other entry) bool {
	if e.host != other.host || e.repository != other.repository {
		return false
	}
	return e.tag == "" && e.digest == "" || e == other
}

// Describe says in full what is trusted with a builder that is named like this,
// such as "every tag and digest of index.docker.io/acme/builder". The error is
// that builder is not a valid reference.
func Describe(builder string) (string, error) {
	e, err := parseEntry(builder)
	if err != nil {
		return "", err
	}
	repository := e.host + "/" + e.repository
	switch {
	case e.digest != "":
		return "digest " + e.digest + " of " + repository, nil
	case e.tag != "":
		return "tag " + e.tag + " of " + repository, nil
	}
	return "every tag and digest of " + repository, nil
}

// Same reports whether two names mean the same builder, whatever their spelling.
// What is not a valid reference is the same as itself.
func Same(a, b string) bool {
	if a == b {
		return true
	}
	first, err := parseEntry(a)
	second, otherErr := parseEntry(b)
	return err == nil && otherErr == nil && first == second
}
