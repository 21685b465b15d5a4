package testservers

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testweb"
)

// Act is a running program that starts cache services of act.
type Act struct{ url string }

// NewAct starts it for a test.
func NewAct(t testing.TB) *Act {
	t.Helper()
	program := Find(t, "act")
	address := FreeAddress(t)
	a := &Act{url: "http://" + address + "/"}
	Start(t, Command{Path: program, Args: []string{address, t.TempDir()}, Dir: t.TempDir(), Ready: Answers(testweb.Client(t), a.url)})
	return a
}

// Service starts a service with nothing in it and returns its URL, which has a
// secret in its path.
func (a *Act) Service(t testing.TB) string {
	t.Helper()
	resp, err := http.Post(a.url, "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	url, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.HasPrefix(string(url), "http://") {
		t.Fatalf("start a cache service of act: %s, %v: %s", resp.Status, err, url)
	}
	return string(url)
}
