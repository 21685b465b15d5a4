package azblob

import (
	"context"
	"encoding/base64"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/redact"
)

// TestLogin takes what is given, and says what to do where there is nothing.
func TestLogin(t *testing.T) {
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "AZURE_") || strings.HasPrefix(name, "IDENTITY_") || strings.HasPrefix(name, "MSI_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	given := Keys{SharedKey: redact.NewSecret("key")}
	if got, err := Login(t.Context(), given); err != nil || !got.SharedKey.Equal(given.SharedKey) {
		t.Errorf("got %+v, %v", got, err)
	}
	// Neither tools nor an instance to ask.
	t.Setenv("PATH", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	t.Setenv("AZURE_TOKEN_CREDENTIALS", "AzureCLICredential")
	_, err := Login(t.Context(), Keys{})
	if !strings.Contains(err.Error(), "no Azure credentials") || !strings.Contains(hint.Of(err), "azure/login") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}

// TestRenew asks for another token shortly before the one that there is expires.
func TestRenew(t *testing.T) {
	t.Parallel()
	asked := 0
	tokens := &tokens{last: Keys{Token: redact.NewSecret("first"), Expires: time.Now().Add(time.Hour)}, renew: func(context.Context) (Keys, error) {
		asked++
		return Keys{Token: redact.NewSecret("second"), Expires: time.Now().Add(time.Hour)}, nil
	}}
	for _, want := range []string{"first", "second", "second"} {
		got, err := tokens.GetToken(t.Context(), policy.TokenRequestOptions{})
		if err != nil || got.Token != want {
			t.Errorf("got %q, %v, want %q", got.Token, err, want)
		}
		if want == "first" {
			tokens.last.Expires = time.Now().Add(time.Minute)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

func TestParseConnectionString(t *testing.T) {
	t.Parallel()
	key := base64.StdEncoding.EncodeToString([]byte("key"))
	for _, test := range []struct{ text, url, name, key, sas, says string }{
		{"DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=" + key + ";EndpointSuffix=core.windows.net", "https://acc.blob.core.windows.net", "acc", key, "", ""},
		{"AccountName=acc;AccountKey=" + key + ";", "https://acc.blob.core.windows.net", "acc", key, "", ""},
		{"BlobEndpoint=http://127.0.0.1:10000/devstore;SharedAccessSignature=sv=1&sig=a%3D", "http://127.0.0.1:10000/devstore", "devstore", "", "sv=1&sig=a%3D", ""},
		{"BlobEndpoint=https://acc.blob.example.com/;AccountKey=" + key, "https://acc.blob.example.com/", "acc", key, "", ""},
		{"AccountName=acc", "", "", "", "", "neither AccountKey"},
		{"AccountKey=" + key, "", "", "", "", "neither AccountName"},
		{"hunter2", "", "", "", "", "has no ="},
	} {
		t.Run(test.text, func(t *testing.T) {
			t.Parallel()
			got, err := ParseConnectionString(test.text)
			if test.says != "" {
				if err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil || got.URL != test.url || got.Name != test.name || got.Keys.SharedKey.Reveal() != test.key || got.Keys.SAS.Reveal() != test.sas {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}
