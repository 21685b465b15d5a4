// Package redact takes secrets out of text that a person may read: error
// messages, log lines and the output of phases.
//
// String knows what secrets look like (URLs with userinfo or signed query
// parameters, Authorization headers, JSON members named like a password). A
// Redactor knows certain secrets by their value. Neither is a licence to put a
// secret into a message: they are the last net, not the rule.
package redact

import (
	"regexp"
	"strings"
)

// Mark replaces a secret.
const Mark = "[redacted]"

// keyWords are the names under which registries, object stores and token
// servers pass secrets, in query parameters and in JSON.
const keyWords = `x-amz-signature|x-amz-credential|x-amz-security-token|x-goog-signature|x-goog-credential|` +
	`sig|signature|token|auth|password|passwd|secret|client_secret|client_assertion|refresh_token|access_token|id_token|` +
	`registrytoken|identitytoken|registry_token|identity_token|awsaccesskeyid|key-pair-id`

var (
	userinfo = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)[^\s/?#]*@`)
	query    = regexp.MustCompile(`(?i)([?&;](?:` + keyWords + `)=)[^\s&;#"'<>` + "`" + `]+`)
	member   = regexp.MustCompile(`(?i)(["'](?:` + keyWords + `)["']\s*:\s*)("(?:[^"\\\r\n]|\\.)*"?|'(?:[^'\\\r\n]|\\.)*'?)`)
	header   = regexp.MustCompile(`(?i)(authorization["']?\s*[:=]\s*["']?\[?["']?)[^\r\n"'\]\[]+`)
	scheme   = regexp.MustCompile(`(?i)\b((?:(?:basic|bearer|x-identity)[ \t]+)+)([a-z0-9._~+/=-]{4,})`)
	prose    = regexp.MustCompile(`^[A-Z]?[a-z]+[.=]?$`)
)

// String returns s with everything replaced by Mark that looks like a secret.
// Applied twice it changes nothing more.
func String(s string) string {
	s = userinfo.ReplaceAllString(s, "${1}"+Mark+"@")
	s = query.ReplaceAllString(s, "${1}"+Mark)
	s = member.ReplaceAllString(s, `${1}"`+Mark+`"`)
	s = header.ReplaceAllStringFunc(s, headerValue)
	return scheme.ReplaceAllStringFunc(s, credential)
}

// headerValue redacts what follows the name Authorization, in the form of HTTP,
// of JSON and of a printed http.Header.
func headerValue(match string) string {
	if strings.HasSuffix(match, strings.TrimSuffix(Mark, "]")) {
		return match
	}
	return header.FindStringSubmatch(match)[1] + Mark
}

// credential redacts the value of an HTTP authentication scheme, but leaves
// sentences such as "basic authentication failed" and the challenge
// `Bearer realm=…` alone.
func credential(match string) string {
	parts := scheme.FindStringSubmatch(match)
	if prose.MatchString(parts[2]) {
		return match
	}
	return parts[1] + Mark
}
