package kinds

import (
	"cmp"
	"context"
	"os"
	"time"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/azblob"
)

// azblobAttrs are the attributes of type=azblob.
type azblobAttrs struct {
	AccountURL       string        `attr:"account_url" env:"BUILDKIT_AZURE_STORAGE_ACCOUNT_URL" form:"url" help:"address of the storage account (default: https://NAME.blob.core.windows.net, or that of the connection string)"`
	AccountName      string        `attr:"account_name" env:"BUILDKIT_AZURE_STORAGE_ACCOUNT_NAME" form:"name" help:"name of the storage account (default: from account_url)"`
	Container        string        `attr:"container" env:"BUILDKIT_AZURE_STORAGE_CONTAINER" default:"buildkit-cache" form:"name" help:"the container; an export makes it if it is not there and the credentials allow that"`
	Name             string        `attr:"name" form:"a;b" help:"names of the cache: import takes the first that is there, export writes all (default: the app image's name without its tag)"`
	Prefix           string        `attr:"prefix" env:"BUILDKIT_AZURE_STORAGE_PREFIX" help:"begins the name of every blob; nothing is put between it and what follows"`
	BlobsPrefix      string        `attr:"blobs_prefix" default:"blobs/" form:"prefix" help:"follows prefix in the names of layers"`
	ManifestsPrefix  string        `attr:"manifests_prefix" default:"manifests/" form:"prefix" help:"follows prefix in the names of manifests"`
	SharedKey        redact.Secret `json:"-" attr:"secret_access_key" form:"key" help:"shared key of the account (default: AZURE_STORAGE_KEY; without any key, what the Azure SDK finds: AZURE_CLIENT_ID and its like, workload and managed identity, az login)"`
	SAS              redact.Secret `json:"-" attr:"sas_token" form:"token" help:"shared access signature, for the account or the container (default: AZURE_STORAGE_SAS_TOKEN)"`
	ConnectionString redact.Secret `json:"-" attr:"connection_string" form:"text" help:"in place of account_url and a key, in quotes (default: AZURE_STORAGE_CONNECTION_STRING, if neither account_url nor account_name is given)"`
}

func (a *azblobAttrs) complete(_, image string) error {
	a.Name = cmp.Or(a.Name, image)
	if err := a.connect(); err != nil {
		return err
	}
	switch {
	case a.AccountURL == "" && a.AccountName == "":
		return hint.Usagef("add account_url=URL, or set BUILDKIT_AZURE_STORAGE_ACCOUNT_URL", "attribute account_url is missing")
	case !a.SharedKey.IsZero() && !a.SAS.IsZero():
		return hint.Usagef("leave one of them out", "attributes secret_access_key and sas_token exclude each other")
	}
	a.AccountURL = cmp.Or(a.AccountURL, azblob.AccountURL(a.AccountName, "", ""))
	a.AccountName = cmp.Or(a.AccountName, azblob.AccountName(a.AccountURL))
	a.ambient()
	if err := checkKeys(a.Name, a.BlobsPrefix, a.ManifestsPrefix); err != nil {
		return err
	}
	return checkURL("account_url", a.AccountURL)
}

// connect replaces the connection string by what it says.
func (a *azblobAttrs) connect() error {
	if a.ConnectionString.IsZero() {
		if a.AccountURL != "" || a.AccountName != "" || !a.SharedKey.IsZero() || !a.SAS.IsZero() {
			return nil
		}
		if a.ConnectionString = redact.NewSecret(os.Getenv("AZURE_STORAGE_CONNECTION_STRING")); a.ConnectionString.IsZero() {
			return nil
		}
	} else if !a.SharedKey.IsZero() || !a.SAS.IsZero() {
		return hint.Usagef("leave the others out", "attribute connection_string has a key already")
	}
	said, err := azblob.ParseConnectionString(a.ConnectionString.Reveal())
	if err != nil {
		return hint.Usagef("copy it from the account's access keys, in quotes if it has a comma", "attribute connection_string: %v", err)
	}
	if a.AccountURL != "" && a.AccountURL != said.URL || a.AccountName != "" && a.AccountName != said.Name {
		return hint.Usagef("leave account_url and account_name out, or the connection string",
			"attribute connection_string is for the account %s, not for %s",
			said.Name, cmp.Or(a.AccountName, a.AccountURL))
	}
	a.AccountURL, a.AccountName, a.SharedKey, a.SAS = said.URL, said.Name, said.Keys.SharedKey, said.Keys.SAS
	a.ConnectionString = redact.Secret{}
	return nil
}

// ambient takes the key that the environment has for the Azure tools, unless it
// is for another account.
func (a *azblobAttrs) ambient() {
	if account := os.Getenv("AZURE_STORAGE_ACCOUNT"); account != "" && account != a.AccountName {
		return
	}
	if a.SharedKey.IsZero() && a.SAS.IsZero() {
		a.SharedKey = redact.NewSecret(os.Getenv("AZURE_STORAGE_KEY"))
	}
	if a.SharedKey.IsZero() && a.SAS.IsZero() {
		a.SAS = redact.NewSecret(os.Getenv("AZURE_STORAGE_SAS_TOKEN"))
	}
}

func (a *azblobAttrs) facts() Facts {
	return Facts{Label: layers.At(azblob.Label(a.AccountURL, a.Container, a.Prefix), a.Name), Snapshot: a.Name, Service: a.AccountURL}
}

func (a *azblobAttrs) names(given func(string) bool) []string { return namesIn(a.Name, given) }

// find implements keyed: it finds a token if there is no key.
func (a *azblobAttrs) find(ctx context.Context) (any, time.Time, error) {
	found, err := azblob.Login(ctx, azblob.Keys{SharedKey: a.SharedKey, SAS: a.SAS})
	return found, found.Expires, err
}

func (a *azblobAttrs) open(ctx context.Context, with Access) (layers.Store, error) {
	find := keysOf[azblob.Keys](with)
	keys, err := find(ctx)
	if err != nil {
		return nil, err
	}
	return azblob.New(azblob.Config{
		AccountURL: a.AccountURL, AccountName: a.AccountName, Container: a.Container,
		Prefix: a.Prefix, BlobsPrefix: a.BlobsPrefix, ManifestsPrefix: a.ManifestsPrefix,
		Keys: keys, Renew: find,
	})
}
