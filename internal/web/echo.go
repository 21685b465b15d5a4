package web

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"strings"

	"github.com/pack-cache/pack-cache/internal/redact"
)

// forget takes what a request was authorised by out of an answer that refuses
// it: there are servers that repeat it, and what they say ends up in logs.
func forget(req *http.Request, resp *http.Response) {
	secrets := authorised(req)
	if resp.StatusCode < http.StatusBadRequest || len(secrets) == 0 {
		return
	}
	redactor := redact.New(secrets...)
	for _, values := range resp.Header {
		for i, value := range values {
			if clean := redactor.String(value); hasAny(value, secrets) {
				values[i] = clean
			}
		}
	}
	clean := &silenced{body: resp.Body}
	clean.redacting = redactor.Writer(&clean.ready)
	resp.Body = clean
	resp.Header.Del("Content-Length")
	resp.ContentLength = -1
}

func hasAny(text string, secrets []string) bool {
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			return true
		}
	}
	return false
}

// authorised are the secrets in the header Authorization, as they are and, where
// they are a name and a password, the password.
func authorised(req *http.Request) []string {
	scheme, credential, found := strings.Cut(req.Header.Get("Authorization"), " ")
	if !found {
		return nil
	}
	secrets := []string{strings.TrimSpace(credential)}
	if decoded, err := base64.StdEncoding.DecodeString(secrets[0]); err == nil && strings.EqualFold(scheme, "basic") {
		if _, password, ok := strings.Cut(string(decoded), ":"); ok {
			secrets = append(secrets, password)
		}
	}
	return secrets
}

// silenced is a body without certain texts.
type silenced struct {
	body      io.ReadCloser
	ready     bytes.Buffer
	redacting io.WriteCloser
	end       error
}

// Read implements io.Reader.
func (s *silenced) Read(p []byte) (int, error) {
	chunk := make([]byte, 4<<10)
	for s.ready.Len() == 0 && s.end == nil {
		n, err := s.body.Read(chunk)
		_, _ = s.redacting.Write(chunk[:n]) // a buffer takes everything
		if err != nil {
			_ = s.redacting.Close()
			s.end = err
		}
	}
	if s.ready.Len() > 0 {
		return s.ready.Read(p)
	}
	return 0, s.end
}

// Close implements io.Closer.
func (s *silenced) Close() error { return s.body.Close() }
