package azblob

import (
	"cmp"
	"errors"
	"net"
	"net/url"
	"strings"

	"github.com/pack-cache/pack-cache/internal/redact"
)

// Account is what a connection string says.
type Account struct {
	URL, Name string
	Keys      Keys
}

// ParseConnectionString reads a connection string as the Azure portal shows it
// (Azure Storage, "Configure Azure Storage connection strings"). The error
// repeats nothing of it.
func ParseConnectionString(text string) (Account, error) {
	values := map[string]string{}
	for pair := range strings.SplitSeq(text, ";") {
		name, value, ok := strings.Cut(pair, "=")
		if !ok && pair != "" {
			return Account{}, errors.New("a part of the connection string has no =")
		}
		values[strings.ToLower(name)] = value
	}
	a := Account{URL: values["blobendpoint"], Name: values["accountname"], Keys: Keys{
		SharedKey: redact.NewSecret(values["accountkey"]), SAS: redact.NewSecret(values["sharedaccesssignature"]),
	}}
	if a.URL == "" && a.Name != "" {
		a.URL = AccountURL(a.Name, values["defaultendpointsprotocol"], values["endpointsuffix"])
	}
	switch {
	case a.URL == "":
		return Account{}, errors.New("the connection string has neither AccountName nor BlobEndpoint")
	case a.Keys.SharedKey.IsZero() && a.Keys.SAS.IsZero():
		return Account{}, errors.New("the connection string has neither AccountKey nor SharedAccessSignature")
	}
	a.Name = cmp.Or(a.Name, AccountName(a.URL))
	return a, nil
}

// AccountURL is the address of an account. Without a protocol it is https,
// without a suffix that of the public cloud.
func AccountURL(name, protocol, suffix string) string {
	return cmp.Or(protocol, "https") + "://" + name + ".blob." + cmp.Or(suffix, "core.windows.net")
}

// AccountName is the name of the account at an address: the first part of the
// host or, where that is an IP address or a single name, of the path.
func AccountName(accountURL string) string {
	u, err := url.Parse(accountURL)
	if err != nil {
		return ""
	}
	name, rest, _ := strings.Cut(u.Hostname(), ".")
	if rest == "" || net.ParseIP(u.Hostname()) != nil {
		name, _, _ = strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	}
	return name
}
