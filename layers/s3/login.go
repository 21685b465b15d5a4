package s3

import (
	"cmp"
	"context"
	"errors"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/internal/userfile"
)

// Login completes keys as the AWS SDK does: from the environment, the shared
// configuration, web identity, containers and instances. What given has is
// taken as it is. Some places to look at may not answer: ctx ends the search.
func Login(ctx context.Context, given Keys) (Keys, error) {
	found := given
	chain, err := config.LoadDefaultConfig(ctx, config.WithRegion(given.Region), config.WithLogger(logging.Nop{}))
	if err != nil {
		return Keys{}, &loginError{hint.With("check AWS_PROFILE, and the files that AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE and AWS_CA_BUNDLE name",
			err)}
	}
	if found.Endpoint == "" {
		// AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_S3, or the shared configuration.
		found.Endpoint = aws.ToString(s3.NewFromConfig(chain).Options().BaseEndpoint)
	}
	if found.Region, err = region(ctx, found, chain); err != nil {
		return Keys{}, err
	}
	if path := os.Getenv("AWS_CA_BUNDLE"); path != "" {
		bundle, err := userfile.Read(ctx, path)
		if err != nil {
			return Keys{}, &loginError{hint.With("check AWS_CA_BUNDLE", err)}
		}
		found.Authorities = string(bundle)
	}
	if given.AccessKeyID != "" {
		return found, nil
	}
	credentials, err := chain.Credentials.Retrieve(ctx)
	if err != nil {
		return Keys{}, &loginError{hint.With("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give this job a role, such as with aws-actions/configure-aws-credentials",
			err)}
	}
	found.AccessKeyID = credentials.AccessKeyID
	found.Secret, found.Token = redact.NewSecret(credentials.SecretAccessKey), redact.NewSecret(credentials.SessionToken)
	if credentials.CanExpire {
		found.Expires = credentials.Expires
	}
	return found, nil
}

// region is where requests go, if that is not given. Services other than
// Amazon's most often do not care.
func region(ctx context.Context, found Keys, chain aws.Config) (string, error) {
	switch name := cmp.Or(found.Region, chain.Region); {
	case name != "":
		return name, nil
	case found.Endpoint != "":
		return "us-east-1", nil
	}
	chain, err := config.LoadDefaultConfig(ctx, config.WithEC2IMDSRegion(), config.WithLogger(logging.Nop{}))
	if err == nil && chain.Region == "" {
		err = errors.New("neither the environment nor the shared configuration names one")
	}
	if err != nil {
		return "", &loginError{hint.Errorf("add region=REGION, or set AWS_REGION", "no region: %w", err)}
	}
	return chain.Region, nil
}

// loginError says why there are no keys.
type loginError struct{ error }

// Error implements error.
func (e *loginError) Error() string {
	return "no AWS credentials: " + redact.String(e.error.Error())
}

// Unwrap returns why.
func (e *loginError) Unwrap() error { return e.error }
