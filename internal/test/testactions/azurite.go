package testactions

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pack-cache/pack-cache/internal/test/testservers"
	"github.com/pack-cache/pack-cache/internal/test/testweb"
)

// azurite is a Storage in Azurite: URLs have a shared access signature for one
// blob, as GitHub's have.
type azurite struct {
	server *testservers.Azure
}

// signedVersion is the version of Azure's signatures that is made here.
const signedVersion = "2020-10-02"

// InAzurite starts Azurite and returns a Storage in it.
func InAzurite(t testing.TB) Storage {
	t.Helper()
	a := &azurite{testservers.NewAzurite(t)}
	values := url.Values{"sv": {signedVersion}, "ss": {"b"}, "srt": {"sco"}, "sp": {"rwdlac"}, "se": {a.until()}}
	values.Set("sig", a.sign(a.server.Account, values.Get("sp"), "b", "sco", "", values.Get("se"), "", "", signedVersion, ""))
	req, err := http.NewRequest(http.MethodPut, a.server.URL+"/entries?restype=container&"+values.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("x-ms-version", signedVersion)
	resp, err := testweb.Client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusCreated {
		t.Fatalf("make a container: %s: %s", resp.Status, body)
	}
	return a
}

func (a *azurite) until() string { return time.Now().Add(time.Hour).UTC().Format(time.RFC3339) }

// sign signs lines with the account's key ("Create an account SAS", "Create a
// service SAS").
func (a *azurite) sign(lines ...string) string {
	key, _ := base64.StdEncoding.DecodeString(a.server.Key)
	mac := hmac.New(sha256.New, key)
	io.WriteString(mac, strings.Join(lines, "\n"))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Sign implements Storage.
func (a *azurite) Sign(name string, write bool) string {
	permission := "r"
	if write {
		permission = "cw"
	}
	until := a.until()
	resource := "/blob/" + a.server.Account + "/entries/" + name
	sig := a.sign(permission, "", until, resource, "", "", "", signedVersion, "b", "", "", "", "", "", "")
	values := url.Values{"sv": {signedVersion}, "sr": {"b"}, "sp": {permission}, "se": {until}, "sig": {sig}}
	return a.server.URL + "/entries/" + name + "?" + values.Encode()
}

// Size implements Storage.
func (a *azurite) Size(name string) int64 {
	resp, err := http.Head(a.Sign(name, false))
	if err != nil || resp.StatusCode != http.StatusOK {
		return -1
	}
	resp.Body.Close()
	return resp.ContentLength
}

// Delete implements Storage: what nobody has a URL of is as good as gone.
func (a *azurite) Delete(string) {}
