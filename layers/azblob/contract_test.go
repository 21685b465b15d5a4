package azblob

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/internal/test/testran"
	"github.com/pack-cache/pack-cache/internal/test/testservers"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/objects"
	"github.com/pack-cache/pack-cache/layers/objects/objectstest"
	"github.com/pack-cache/pack-cache/layers/storetest"
)

// TestContract has the store pass with a shared key.
func TestContract(t *testing.T) {
	t.Parallel()
	server := testservers.NewAzurite(t)
	testran.Against(t, testran.Row{Subject: "Object stores", Peer: "Azurite", Version: testran.Package(t, "azurite", "azurite"), Done: "the contract of stores"})
	key := Keys{SharedKey: redact.NewSecret(server.Key)}
	reader := signature(t, server, sas.ContainerPermissions{Read: true})
	storetest.Run(t, opener(server, key), storetest.Options{
		Secrets:  []string{server.Key, signatureOf(reader)},
		Large:    17 << 20,
		Compares: true,
		Damage:   objectstest.Damager(serviceOf(t, server), server.URL),
		Reopen:   reopen(server, key),
		ReadOnly: reopen(server, Keys{SAS: reader}),
		Denied:   reopen(server, Keys{SharedKey: redact.NewSecret(base64.StdEncoding.EncodeToString([]byte(wrong)))}),
	})
}

// TestKeys saves with every other kind of keys: a small blob, a large one that
// has to be copied, and a name.
func TestKeys(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB) *testservers.Azure{
		"shared access signature": testservers.NewAzurite,
		"token":                   testservers.NewAzuriteWithTLS, // tokens are sent to nobody else
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := start(t)
			keys := Keys{Token: redact.NewSecret(token(t, time.Hour)), Expires: time.Now().Add(time.Hour)}
			if server.CAFile == "" {
				// The rights that the documentation asks for, on the container.
				keys = Keys{SAS: signature(t, server, sas.ContainerPermissions{Read: true, Write: true, Create: true, Delete: true})}
			}
			store := opener(server, keys)(t)
			for _, size := range []int{1000, 9 << 20} {
				content := make([]byte, size)
				rand.Read(content)
				pushed, err := store.Push(t.Context(), v1.Descriptor{}, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil })
				if err != nil {
					t.Fatalf("%d bytes: %v", size, err)
				}
				body, err := store.Open(t.Context(), pushed.Descriptor, int64(size)-10, 10)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(body)
				if err != nil || !bytes.Equal(got, content[size-10:]) {
					t.Errorf("%d bytes: %x, %v", size, got, err)
				}
				manifest := fmt.Appendf(nil, `{"schemaVersion":2,"layers":[{"digest":"%s","size":%d}]}`, pushed.Descriptor.Digest, size)
				if _, err := store.Commit(t.Context(), fmt.Sprint(size), "application/vnd.oci.image.manifest.v1+json", manifest, v1.Hash{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

const wrong = "a key that is wrong, but is one"

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

// serviceOf is the service behind the stores of a server.
func serviceOf(t *testing.T, server *testservers.Azure) *service {
	t.Helper()
	client, err := newClient(configOf(server, "caches", "", Keys{SharedKey: redact.NewSecret(server.Key)}))
	if err != nil {
		t.Fatal(err)
	}
	return &service{client: client, signs: true}
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
