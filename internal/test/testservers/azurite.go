package testservers

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testweb"
)

// Azure is a running server that speaks Azure Blob Storage.
type Azure struct {
	// URL is that of the account, AccountURL in Azure's terms.
	URL, Account string
	// Key is the shared key, which may do everything.
	Key string
	// CAFile has what clients of a server with TLS have to trust; Client is one
	// that does.
	CAFile string
	Client *http.Client
}

// NewAzurite starts Azurite for a test.
func NewAzurite(t testing.TB) *Azure {
	t.Helper()
	return startAzurite(t, &Azure{Client: testweb.Client(t)}, "http://")
}

// NewAzuriteWithTLS starts Azurite for a test, with a certificate that no system
// trusts. It takes tokens, too, whoever has made them.
func NewAzuriteWithTLS(t testing.TB) *Azure {
	t.Helper()
	c := newCertificate(t)
	return startAzurite(t, &Azure{CAFile: c.CertFile, Client: c.client}, "https://", "--cert", c.CertFile, "--key", c.KeyFile, "--oauth", "basic")
}

func startAzurite(t testing.TB, a *Azure, scheme string, more ...string) *Azure {
	t.Helper()
	modules := filepath.Join(Find(t, "azurite"), "node_modules")
	host, port, _ := strings.Cut(FreeAddress(t), ":")
	a.Account, a.Key = "testaccount", "dGVzdC1zaGFyZWQta2V5LXRlc3Qtc2hhcmVkLWtleQ=="
	base := scheme + host + ":" + port
	a.URL = base + "/" + a.Account
	Start(t, Command{
		Path: "node", Dir: t.TempDir(),
		Args: append([]string{filepath.Join(modules, script("azurite")), "--blobHost", host, "--blobPort", port,
			"--location", t.TempDir(), "--skipApiVersionCheck", "--silent", "--disableTelemetry"}, more...),
		Env:   []string{"AZURITE_ACCOUNTS=" + a.Account + ":" + a.Key},
		Ready: Answers(a.Client, base+"/"),
	})
	return a
}

// script is the file of a tool of npm that node runs.
func script(name string) string {
	for _, tool := range Tools() {
		if tool.Name == name {
			return tool.Script
		}
	}
	return ""
}
