package s3

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/pack-cache/pack-cache/internal/redact"
)

// Keys are what opens a bucket, and where it is.
type Keys struct {
	AccessKeyID   string
	Secret, Token redact.Secret
	// Expires is when others are needed; the zero time is never.
	Expires time.Time
	// Region and Endpoint are where requests go; without Endpoint, it is Amazon.
	Region, Endpoint string
	// Authorities are certificates in PEM that are trusted in addition to those of the
	// system.
	Authorities string
}

// renewBefore is how long before keys expire others are asked for.
const renewBefore = 5 * time.Minute

// provider gives the SDK the first keys while they are good, and others after
// that.
type provider struct {
	first Keys
	renew func(ctx context.Context) (Keys, error)
}

// Retrieve implements aws.CredentialsProvider.
func (p *provider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	keys := p.first
	if p.renew != nil && !keys.Expires.IsZero() && time.Until(keys.Expires) < renewBefore {
		var err error
		if keys, err = p.renew(ctx); err != nil {
			return aws.Credentials{}, fmt.Errorf("renew the AWS credentials: %w", err)
		}
	}
	return aws.Credentials{
		AccessKeyID: keys.AccessKeyID, SecretAccessKey: keys.Secret.Reveal(), SessionToken: keys.Token.Reveal(),
		CanExpire: !keys.Expires.IsZero(), Expires: keys.Expires, Source: "pack-cache",
	}, nil
}
