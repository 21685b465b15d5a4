package acceptance

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// secrets are texts that nothing but their owner may have.
type secrets []string

// secrets returns what may not be seen of the registry's users: passwords, as
// they are and as they travel, and what every token of the registry has in it.
func (r *registry) secrets(t *testing.T) secrets {
	t.Helper()
	all := secrets{alice.Password, basic(alice)}
	if token := r.token(t); token != "" {
		// Tokens are signed: header.claims.signature. The header with the
		// certificate of the registry's own token server is the same in all.
		header, _, _ := strings.Cut(token, ".")
		all = append(all, header)
	}
	return all
}

// token gets a token for nothing, as any client would; "" where there are none.
func (r *registry) token(t *testing.T) string {
	t.Helper()
	client := http.Client{Transport: r.Transport()}
	scheme := "http://"
	if r.CAFile != "" {
		scheme = "https://"
	}
	ask := func(url string) *http.Response {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.SetBasicAuth(alice.Name, alice.Password)
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { response.Body.Close() })
		return response
	}
	challenge := ask(scheme + r.Addr + "/v2/").Header.Get("WWW-Authenticate")
	realm, ok := strings.CutPrefix(challenge, `Bearer realm="`)
	if !ok {
		return ""
	}
	realm, _, _ = strings.Cut(realm, `"`)
	var answer struct{ Token string }
	if err := json.NewDecoder(ask(realm).Body).Decode(&answer); err != nil || answer.Token == "" {
		t.Fatalf("no token from %s: %v", realm, err)
	}
	return answer.Token
}

// probe is the setting that makes the buildpack samples/behave look for the
// secrets.
func (s secrets) probe() string {
	var lines []string
	for _, secret := range s {
		lines = append(lines, hex.EncodeToString([]byte(secret)))
	}
	return strings.Join(lines, "\n") + "\n"
}

// wantNone fails if there is a secret in what r has, as it is or compressed.
func (s secrets) wantNone(t *testing.T, where string, r io.Reader) {
	t.Helper()
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range [][]byte{content, decompressed(t, where, content)} {
		for i, secret := range s {
			if at := bytes.Index(form, []byte(secret)); at >= 0 {
				t.Errorf("%s has secret %d: %q", where, i, form[max(0, at-100):at])
			}
		}
	}
}

// decompressed returns what is in a blob of a layer; nil for anything else.
func decompressed(t *testing.T, where string, content []byte) []byte {
	t.Helper()
	var reader io.Reader
	var err error
	switch {
	case bytes.HasPrefix(content, []byte("\x1f\x8b")):
		reader, err = gzip.NewReader(bytes.NewReader(content))
	case bytes.HasPrefix(content, []byte("\x28\xb5\x2f\xfd")):
		reader, err = zstd.NewReader(bytes.NewReader(content))
	default:
		return nil
	}
	if err == nil {
		content, err = io.ReadAll(reader)
	}
	if err != nil {
		t.Errorf("%s cannot be read: %v", where, err)
	}
	return content
}

// wantNoneLeft fails if a command left a secret in a file of the machine.
func (s secrets) wantNoneLeft(t *testing.T, m *machine) {
	t.Helper()
	m.settle()
	s.wantNoneBelow(t, m.home, m.written...)
}

// wantNoneKept fails if a registry keeps a secret in an image.
func (s secrets) wantNoneKept(t *testing.T, r *registry) {
	t.Helper()
	s.wantNoneBelow(t, r.Root())
}

func (s secrets) wantNoneBelow(t *testing.T, dir string, except ...string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path != dir {
			return nil // what is gone has nothing any more
		}
		if err != nil || !entry.Type().IsRegular() || slices.Contains(except, path) {
			return err
		}
		file, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		defer file.Close()
		s.wantNone(t, path, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
