package kinds

import (
	"cmp"
	"context"
	"time"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/s3"
)

// s3Attrs are the attributes of type=s3.
type s3Attrs struct {
	Bucket           string        `attr:"bucket" required:"true" env:"AWS_BUCKET" form:"name" help:"the bucket, which has to be there"`
	Region           string        `attr:"region" env:"AWS_REGION" form:"name" help:"region of the bucket (default: that of the shared configuration or the instance)"`
	Name             string        `attr:"name" form:"a;b" help:"names of the cache: import takes the first that is there, export writes all (default: the app image's name without its tag)"`
	Prefix           string        `attr:"prefix" help:"begins every key; nothing is put between it and what follows"`
	BlobsPrefix      string        `attr:"blobs_prefix" default:"blobs/" form:"prefix" help:"follows prefix in the keys of blobs"`
	ManifestsPrefix  string        `attr:"manifests_prefix" default:"manifests/" form:"prefix" help:"follows prefix in the keys of manifests"`
	Endpoint         string        `attr:"endpoint_url" form:"url" help:"address of a service that is not Amazon's (default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the shared configuration)"`
	PathStyle        bool          `attr:"use_path_style" default:"false" help:"the bucket is in the path of URLs, not in their host; MinIO wants that"`
	AccessKeyID      redact.Secret `json:"-" attr:"access_key_id" form:"key" help:"together with secret_access_key (default: what the AWS SDK finds: AWS_ACCESS_KEY_ID, AWS_PROFILE, web identity, the role of a container or an instance)"`
	SecretAccessKey  redact.Secret `json:"-" attr:"secret_access_key" form:"key" help:"see access_key_id"`
	SessionToken     redact.Secret `json:"-" attr:"session_token" form:"token" help:"of temporary keys"`
	Refresh          time.Duration `attr:"touch_refresh" only:"export" default:"24h" help:"blobs that are older are copied onto themselves when they are used again, so that a rule by which objects expire does not take them; 0s: never"`
	Parallel         int           `attr:"upload_parallelism" only:"export" default:"4" help:"parts of 8 MiB that go up at the same time, 1 to 16; each takes its size of memory"`
	RetryMode        string        `attr:"retry_mode" env:"AWS_RETRY_MODE" values:"standard adaptive" help:"how requests are repeated (default: standard)"`
	RetryAttempts    int           `attr:"retry_max_attempts" env:"AWS_MAX_ATTEMPTS" help:"how often a request is tried (default: 5)"`
	NoAcceptEncoding bool          `attr:"disable_accept_encoding" default:"false" help:"send no Accept-Encoding header: Google's storage changes it, and signatures then do not fit"`
}

func (a *s3Attrs) complete(_, image string) error {
	a.Name = cmp.Or(a.Name, image)
	switch {
	case a.AccessKeyID.IsZero() != a.SecretAccessKey.IsZero():
		return hint.Usagef("give both, or none", "attributes access_key_id and secret_access_key belong together")
	case a.AccessKeyID.IsZero() && !a.SessionToken.IsZero():
		return hint.Usagef("give all three", "attribute session_token belongs to access_key_id and secret_access_key")
	case a.Parallel < 1 || a.Parallel > 16:
		return hint.Usagef("write a number from 1 to 16", "attribute upload_parallelism: %d is not possible", a.Parallel)
	case a.RetryAttempts < 0:
		return hint.Usagef("write a number of 1 or more", "attribute retry_max_attempts: %d is not possible", a.RetryAttempts)
	}
	if err := checkKeys(a.Name, a.BlobsPrefix, a.ManifestsPrefix); err != nil {
		return err
	}
	return checkURL("endpoint_url", a.Endpoint)
}

func (a *s3Attrs) facts() Facts {
	return Facts{Label: layers.At(s3.Label(a.Endpoint, a.Bucket, a.Prefix), a.Name), Snapshot: a.Name, Service: a.Endpoint}
}

func (a *s3Attrs) names(given func(string) bool) []string { return namesIn(a.Name, given) }

// find implements keyed.
func (a *s3Attrs) find(ctx context.Context) (any, time.Time, error) {
	found, err := s3.Login(ctx, s3.Keys{
		AccessKeyID: a.AccessKeyID.Reveal(), Secret: a.SecretAccessKey, Token: a.SessionToken,
		Region: a.Region, Endpoint: a.Endpoint,
	})
	return found, found.Expires, err
}

func (a *s3Attrs) open(ctx context.Context, with Access) (layers.Store, error) {
	find := keysOf[s3.Keys](with)
	keys, err := find(ctx)
	if err != nil {
		return nil, err
	}
	return s3.New(s3.Config{
		Bucket: a.Bucket, Prefix: a.Prefix, BlobsPrefix: a.BlobsPrefix, ManifestsPrefix: a.ManifestsPrefix,
		PathStyle: a.PathStyle, Refresh: a.Refresh, Parallel: a.Parallel,
		RetryMode: a.RetryMode, RetryAttempts: a.RetryAttempts, NoAcceptEncoding: a.NoAcceptEncoding,
		Keys: keys, Renew: find,
	})
}
