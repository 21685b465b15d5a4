// Package azblob keeps snapshots in a container of Azure Blob Storage.
//
// A layer is a block blob PREFIX + BLOBS_PREFIX + its digest, a snapshot's
// manifest PREFIX + MANIFESTS_PREFIX + its name. Package objects says how blobs
// go up and names move; this package only speaks the protocol.
//
// Login finds a token as every program for Azure does, and belongs into the
// process that the user started; a store is given keys and asks for others when
// they expire.
package azblob

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers/objects"
)

// Config says which container a store keeps its snapshots in, and how to reach
// it.
type Config struct {
	// AccountURL is the address of the account, AccountName its name, which
	// shared keys need.
	AccountURL, AccountName string
	Container               string
	// Prefix begins all names of blobs, BlobsPrefix and ManifestsPrefix follow
	// it.
	Prefix, BlobsPrefix, ManifestsPrefix string
	// Keys are where the store begins. Renew finds others when they expire; nil
	// if they do not.
	Keys  Keys
	Renew func(ctx context.Context) (Keys, error)
	// Transport carries the requests; nil is one with the proxy of the
	// environment and the certificates of the system.
	Transport http.RoundTripper
	// Rule says how long requests may wait that have no budget in their context.
	Rule web.Rule
}

// Label names a container and a prefix for the user.
func Label(accountURL, container, prefix string) string {
	return strings.TrimSuffix(accountURL, "/") + "/" + container + "/" + prefix
}

// New returns the store that config describes. It does no I/O.
func New(config Config) (*objects.Store, error) {
	client, err := newClient(config)
	if err != nil {
		return nil, err
	}
	s := &service{client: client, signs: !config.Keys.SharedKey.IsZero()}
	return objects.New(objects.Config{
		Service:   s,
		Label:     Label(config.AccountURL, config.Container, config.Prefix),
		Blobs:     config.Prefix + config.BlobsPrefix,
		Manifests: config.Prefix + config.ManifestsPrefix,
		Compares:  true,
		Create:    s.create,
	}), nil
}

func newClient(config Config) (*container.Client, error) {
	url := strings.TrimSuffix(config.AccountURL, "/") + "/" + config.Container
	options := &container.ClientOptions{ClientOptions: azcore.ClientOptions{
		Transport: newTransport(config.Transport, config.Rule),
		Retry:     policy.RetryOptions{MaxRetries: -1}, // the transport repeats
		Telemetry: policy.TelemetryOptions{ApplicationID: "pack-cache"},
	}}
	switch {
	case !config.Keys.SharedKey.IsZero():
		key, err := blob.NewSharedKeyCredential(config.AccountName, config.Keys.SharedKey.Reveal())
		if err != nil { // which may show a part of the key
			return nil, errors.New("the shared key of account " + config.AccountName + " is not base64")
		}
		return container.NewClientWithSharedKeyCredential(url, key, options)
	case !config.Keys.SAS.IsZero():
		return container.NewClientWithNoCredential(url+"?"+strings.TrimPrefix(config.Keys.SAS.Reveal(), "?"), options)
	}
	return container.NewClient(url, &tokens{last: config.Keys, renew: config.Renew}, options)
}

func newTransport(given http.RoundTripper, rule web.Rule) *http.Client {
	if given == nil {
		own := web.NewTransport()
		// A gzip layer is not to be unpacked on the way.
		own.DisableCompression = true
		given = own
	}
	return &http.Client{Transport: &web.Transport{Inner: given, Rule: rule}}
}

// create makes the container, if it is not there. That this is not allowed is no
// error: it may well be there.
func (s *service) create(ctx context.Context) error {
	_, err := s.client.Create(ctx, nil)
	if bloberror.HasCode(err, bloberror.ContainerAlreadyExists, bloberror.AuthorizationFailure, bloberror.AuthorizationPermissionMismatch,
		bloberror.AuthorizationResourceTypeMismatch, bloberror.AuthorizationServiceMismatch, bloberror.AuthenticationFailed) {
		return nil
	}
	return failed(err)
}
