package lifecycle

import (
	"net/url"
	"slices"
	"strings"
)

// ownEnvKeys are the variables of the caller that own phases may see: how to
// reach a network and whom to believe there. None of them is a credential; a
// proxy URL with a password in it is passed on only because the proxy cannot be
// used without.
var ownEnvKeys = map[string]bool{
	"HTTP_PROXY": true, "HTTPS_PROXY": true, "NO_PROXY": true,
	"http_proxy": true, "https_proxy": true, "no_proxy": true,
	"SSL_CERT_FILE": true, "SSL_CERT_DIR": true,
}

// OwnEnv picks from an environment, given as KEY=VALUE, what the phases that
// pack-cache runs itself need.
func OwnEnv(environ []string) []string {
	var out []string
	for _, entry := range environ {
		key, _, _ := strings.Cut(entry, "=")
		if ownEnvKeys[key] {
			out = append(out, entry)
		}
	}
	return out
}

// proxyKeys are the variables that tell a process how to reach a network.
var proxyKeys = []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"}

// WithProxies returns a builder's environment with the proxies of the caller's,
// as pack passes them on; passwords in them are left out, because a builder's
// code can read its environment.
func WithProxies(builderEnv, environ []string) []string {
	out := slices.Clone(builderEnv)
	for _, entry := range environ {
		key, value, _ := strings.Cut(entry, "=")
		if !slices.Contains(proxyKeys, key) {
			continue
		}
		if proxy, err := url.Parse(value); err == nil && proxy.User != nil {
			proxy.User = nil
			value = proxy.String()
		}
		out = withEnv(out, key+"="+value)
	}
	return out
}
