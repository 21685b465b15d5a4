package testservers

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// Azure is a running server that speaks Azure Blob Storage.
type Azure struct {
	// URL is that of the account, AccountURL in Azure's terms.
	URL, Account string
	// Key is the shared key, which may do everything.
	Key string
}

// NewAzurite starts Azurite for a test.
func NewAzurite(t testing.TB) *Azure {
	t.Helper()
	modules := filepath.Join(Find(t, "azurite"), "node_modules")
	host, port, _ := strings.Cut(FreeAddress(t), ":")
	a := &Azure{Account: "testaccount", Key: "dGVzdC1zaGFyZWQta2V5LXRlc3Qtc2hhcmVkLWtleQ=="}
	base := "http://" + host + ":" + port
	a.URL = base + "/" + a.Account
	Start(t, Command{
		Path: "node", Dir: t.TempDir(),
		Args: []string{filepath.Join(modules, script("azurite")), "--blobHost", host, "--blobPort", port,
			"--location", t.TempDir(), "--skipApiVersionCheck", "--silent", "--disableTelemetry"},
		Env:   []string{"AZURITE_ACCOUNTS=" + a.Account + ":" + a.Key},
		Ready: Answers(http.DefaultClient, base+"/"),
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
