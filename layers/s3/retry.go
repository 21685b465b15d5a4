package s3

import (
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/pack-cache/pack-cache/internal/web"
)

// sdkAttempts and sdkPause bound what the SDK repeats.
const (
	sdkAttempts = 3
	sdkPause    = 2 * time.Second
)

// retryer lets the SDK repeat what only it understands, such as an error in an
// answer with status 200, or a clock that is wrong. What has a status that may be
// another one the next time, or got no answer at all, the transport has repeated.
type retryer struct{ aws.RetryerV2 }

func newRetryer(mode string) aws.Retryer {
	standard := func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = sdkAttempts, sdkPause }
	if mode == string(aws.RetryModeAdaptive) {
		return retryer{retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) { o.StandardOptions = append(o.StandardOptions, standard) })}
	}
	return retryer{retry.NewStandard(standard)}
}

// IsErrorRetryable implements aws.Retryer.
func (r retryer) IsErrorRetryable(err error) bool {
	answer, answered := errors.AsType[*smithyhttp.ResponseError](err)
	if !answered || web.Temporary(answer.HTTPStatusCode()) {
		return false
	}
	return r.RetryerV2.IsErrorRetryable(err)
}
