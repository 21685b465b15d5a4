package kinds

import (
	"net/url"
	"slices"
	"strings"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers/objects"
)

// checkKeys refuses names and prefixes of object stores that keys cannot be made
// of.
func checkKeys(name, blobs, manifests string) error {
	names := objects.Names(name)
	if slices.Contains(names, "") {
		return hint.Usagef("write one or more, as in name=branch;main", "attribute name: a name is empty")
	}
	for _, one := range names {
		for part := range strings.SplitSeq(one, "/") {
			if part == "" || part == "." || part == ".." {
				return hint.Usagef("leave out what is empty, . or .. between two /", "attribute name: %q is not a name", one)
			}
		}
	}
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) < len(names) {
		return hint.Usagef("give each once", "attribute name: a name is given twice")
	}
	if blobs == manifests {
		return hint.Usagef("leave one of them out", "attributes blobs_prefix and manifests_prefix are the same")
	}
	return nil
}

// checkURL refuses what is no address of a service. "" is fine.
func checkURL(attribute, address string) error {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return hint.Usagef("write it as https://HOST", "attribute %s is not a URL", attribute)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return hint.Usagef("write it as https://HOST; credentials have attributes of their own", "attribute %s is more than an address", attribute)
	}
	return nil
}

// namesIn lists the names that were given.
func namesIn(name string, given func(string) bool) []string {
	if !given("name") {
		return nil
	}
	return objects.Names(name)
}
