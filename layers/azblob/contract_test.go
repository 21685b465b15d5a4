package azblob

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"

	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/internal/testservers"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/objects"
	"github.com/pack-cache/pack-cache/layers/storetest"
)

// TestContract has the store pass with every kind of keys.
func TestContract(t *testing.T) {
	t.Parallel()
	t.Run("shared key", func(t *testing.T) {
		t.Parallel()
		server := testservers.NewAzurite(t)
		o := options(server, Keys{SharedKey: redact.NewSecret(server.Key)})
		reader := signature(t, server, sas.ContainerPermissions{Read: true})
		o.ReadOnly = reopen(server, Keys{SAS: reader})
		o.Denied = reopen(server, Keys{SharedKey: redact.NewSecret(base64.StdEncoding.EncodeToString([]byte(wrong)))})
		o.Secrets = append(o.Secrets, signatureOf(reader))
		storetest.Run(t, opener(server, Keys{SharedKey: redact.NewSecret(server.Key)}), o)
	})
	t.Run("shared access signature", func(t *testing.T) {
		t.Parallel()
		server := testservers.NewAzurite(t)
		// The rights that the documentation asks for, on the container.
		all := signature(t, server, sas.ContainerPermissions{Read: true, Write: true, Create: true, Delete: true, List: true})
		o := options(server, Keys{SAS: all})
		o.Large = 17 << 20
		o.Secrets = append(o.Secrets, signatureOf(all))
		storetest.Run(t, opener(server, Keys{SAS: all}), o)
	})
	t.Run("token", func(t *testing.T) {
		t.Parallel()
		server := testservers.NewAzuriteWithTLS(t)
		keys := Keys{Token: redact.NewSecret(token(t, time.Hour)), Expires: time.Now().Add(time.Hour)}
		o := options(server, keys)
		o.Large = 17 << 20
		o.Secrets = append(o.Secrets, keys.Token.Reveal())
		storetest.Run(t, opener(server, keys), o)
	})
}

const wrong = "a key that is wrong, but is one"

func options(server *testservers.Azure, keys Keys) storetest.Options {
	return storetest.Options{Secrets: []string{server.Key}, Reopen: reopen(server, keys)}
}

func configOf(server *testservers.Azure, container, prefix string, keys Keys) Config {
	return Config{
		AccountURL: server.URL, AccountName: server.Account, Container: container, Prefix: prefix,
		BlobsPrefix: "blobs/", ManifestsPrefix: "manifests/", Keys: keys, Transport: server.Client.Transport,
	}
}

func newStore(t *testing.T, config Config) *objects.Store {
	t.Helper()
	s, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// opener opens a store below a prefix of its own, one that has to be escaped.
func opener(server *testservers.Azure, keys Keys) func(*testing.T) layers.Store {
	var count atomic.Int64
	return func(t *testing.T) layers.Store {
		return newStore(t, configOf(server, "caches", fmt.Sprintf("team a+b/%d/", count.Add(1)), keys))
	}
}

// reopen opens a store once more, with other keys.
func reopen(server *testservers.Azure, keys Keys) func(*testing.T, layers.Store) layers.Store {
	return func(t *testing.T, s layers.Store) layers.Store {
		container, prefix, _ := strings.Cut(strings.TrimPrefix(s.String(), server.URL+"/"), "/")
		return newStore(t, configOf(server, container, prefix, keys))
	}
}

// signature makes a signature for the container, which it makes.
func signature(t *testing.T, server *testservers.Azure, may sas.ContainerPermissions) redact.Secret {
	t.Helper()
	client, err := newClient(configOf(server, "caches", "", Keys{SharedKey: redact.NewSecret(server.Key)}))
	if err != nil {
		t.Fatal(err)
	}
	if err := (&service{client: client}).create(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	url, err := client.GetSASURL(may, time.Now().Add(time.Hour), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, query, _ := strings.Cut(url, "?")
	return redact.NewSecret(query)
}

// signatureOf is the secret part of a signature.
func signatureOf(query redact.Secret) string {
	_, after, _ := strings.Cut(query.Reveal(), "sig=")
	secret, _, _ := strings.Cut(after, "&")
	return secret
}

// token makes a token that Azurite takes, which checks no signature.
func token(t *testing.T, life time.Duration) string {
	t.Helper()
	claims, err := json.Marshal(map[string]any{
		"aud": "https://storage.azure.com", "iss": "https://sts.windows.net/ab1f708d-50f6-404c-a006-d71b2ac7a606/",
		"iat": time.Now().Add(-time.Minute).Unix(), "nbf": time.Now().Add(-time.Minute).Unix(), "exp": time.Now().Add(life).Unix(),
	})
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(claims) + "." + encode([]byte(rand.Text()))
}
