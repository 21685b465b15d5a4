// Package s3 keeps snapshots in a bucket of S3, or of whatever speaks its
// protocol.
//
// A blob has the key PREFIX + BLOBS_PREFIX + its digest, a snapshot's manifest
// PREFIX + MANIFESTS_PREFIX + its name. Package objects says how blobs go up and
// names move; this package only speaks the protocol.
//
// Login finds keys as every AWS program does, and belongs into the process that
// the user started; a store is given keys and asks for others when they expire.
package s3

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers/objects"
)

// Config says which bucket a store keeps its snapshots in, and how to reach it.
type Config struct {
	Bucket string
	// Prefix begins all keys, BlobsPrefix and ManifestsPrefix follow it.
	Prefix, BlobsPrefix, ManifestsPrefix string
	// PathStyle puts the bucket into the path of URLs instead of their host.
	PathStyle bool
	// Refresh is how old a blob may become before it is copied onto itself; 0
	// is never.
	Refresh time.Duration
	// Parallel is how many parts go up at the same time; 0 is 4.
	Parallel int
	// RetryMode is standard or adaptive, "" is standard; RetryAttempts is how
	// often something is tried, 0 is that of the rule.
	RetryMode     string
	RetryAttempts int
	// Rule says how long requests may wait that have no budget in their context.
	Rule web.Rule
	// NoAcceptEncoding sends no Accept-Encoding header: some services change it
	// on the way, and signatures then do not fit.
	NoAcceptEncoding bool
	// Keys are where the store begins. Renew finds others when they expire; nil
	// if they do not.
	Keys  Keys
	Renew func(ctx context.Context) (Keys, error)
}

// Label names a bucket and a prefix for the user.
func Label(endpoint, bucket, prefix string) string {
	if endpoint != "" {
		return endpoint + "/" + bucket + "/" + prefix
	}
	return "s3://" + bucket + "/" + prefix
}

// New returns the store that config describes. It does no I/O.
func New(config Config) (*objects.Store, error) {
	client, err := newClient(config)
	if err != nil {
		return nil, err
	}
	return objects.New(objects.Config{
		Service:   &service{client: client, bucket: config.Bucket, maxCopy: maxCopy, copyPart: copyPart},
		Label:     Label(config.Keys.Endpoint, config.Bucket, config.Prefix),
		Blobs:     config.Prefix + config.BlobsPrefix,
		Manifests: config.Prefix + config.ManifestsPrefix,
		Refresh:   config.Refresh,
		Parallel:  config.Parallel,
	}), nil
}

func newClient(config Config) (*s3.Client, error) {
	transport, err := newTransport(config.Keys.Authorities, config.Rule.Or(web.Rule{Attempts: config.RetryAttempts}))
	if err != nil {
		return nil, err
	}
	options := s3.Options{
		AppID:        "pack-cache",
		Region:       config.Keys.Region,
		Credentials:  aws.NewCredentialsCache(&provider{first: config.Keys, renew: config.Renew}, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = renewBefore }),
		UsePathStyle: config.PathStyle,
		HTTPClient:   transport,
		Retryer:      newRetryer(config.RetryMode),
		// Servers other than Amazon's know no checksums, or get those of ranges
		// wrong; package layers verifies what it reads.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	}
	if config.Keys.Endpoint != "" {
		options.BaseEndpoint = aws.String(config.Keys.Endpoint)
	}
	options.APIOptions = append(options.APIOptions, replayable)
	if config.NoAcceptEncoding {
		options.APIOptions = append(options.APIOptions, withoutAcceptEncoding)
	}
	return s3.New(options), nil
}
