package grammar

import (
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// Host returns a registry's host and port in the one spelling in which hosts are
// compared: in lower case, and index.docker.io for docker.io.
func Host(host string) string {
	host = strings.Map(lower, host)
	if host == "docker.io" {
		return name.DefaultRegistry
	}
	return host
}

// lower lowers ASCII letters only: a host with any other letter that looks alike
// is another host.
func lower(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}
