package registry

import (
	"maps"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// challenges returns what a 401 answer asks for, as RFC 9110 section 11.6.1
// writes it. What cannot be understood is left out.
func challenges(h http.Header) []transport.Challenge {
	var all []transport.Challenge
	for _, line := range h.Values("WWW-Authenticate") {
		for line != "" {
			var c transport.Challenge
			c.Scheme, line = token(strings.TrimLeft(line, " \t,"))
			if c.Scheme == "" {
				break
			}
			c.Parameters, line = parameters(line)
			all = append(all, c)
		}
	}
	return all
}

// parameters reads key=value pairs up to the next challenge or the end, and
// returns what is left.
func parameters(s string) (map[string]string, string) {
	params := map[string]string{}
	for {
		start := strings.TrimLeft(s, " \t,")
		key, rest := token(start)
		rest = strings.TrimLeft(rest, " \t")
		if key == "" || !strings.HasPrefix(rest, "=") {
			return params, start
		}
		params[strings.ToLower(key)], s = value(strings.TrimLeft(rest[1:], " \t"))
	}
}

// token splits off an RFC 9110 token.
func token(s string) (tok, rest string) {
	end := strings.IndexAny(s, " \t,=\"")
	if end < 0 {
		return s, ""
	}
	return s[:end], s[end:]
}

// value splits off a token or a quoted string.
func value(s string) (val, rest string) {
	if !strings.HasPrefix(s, `"`) {
		return token(s)
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

// pick returns the first challenge that we can answer. Registries also offer
// schemes such as Negotiate.
func pick(all []transport.Challenge, insecure bool) (transport.Challenge, bool) {
	for _, c := range all {
		c.Scheme = strings.ToLower(c.Scheme)
		if c.Scheme == "basic" || c.Scheme == "bearer" && c.Parameters["realm"] != "" {
			c.Parameters = maps.Clone(c.Parameters)
			c.Insecure = insecure
			return c, true
		}
	}
	return transport.Challenge{}, false
}
