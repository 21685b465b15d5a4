package s3

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/layers/objects"
)

// failed turns an error of the SDK into one of package objects. Those of the SDK
// are long, and may show URLs.
func (s *service) failed(err error) error {
	if err == nil {
		return nil
	}
	var failed objects.Error
	answer, answered := errors.AsType[*smithyhttp.ResponseError](err)
	if answered {
		failed.Status = answer.HTTPStatusCode()
	}
	if said, ok := errors.AsType[smithy.APIError](err); ok {
		failed.Code, failed.Message = said.ErrorCode(), words(said.ErrorMessage())
	}
	switch {
	case failed.Status == 0:
		failed.Cause = bare(err)
	case failed.Code == "NoSuchBucket":
		failed.Elsewhere = true
		failed.Hint = "create the bucket " + s.bucket + ", or check its name"
	case failed.Code == "ConditionalRequestConflict":
		failed.Unmet = true
	case failed.Status == http.StatusConflict:
		failed.Hint = "choose another name or prefix: a service that keeps objects as files cannot have both a and a/b"
	case failed.Code == "InvalidRange":
		failed.Status = http.StatusRequestedRangeNotSatisfiable
	case failed.Status == http.StatusMovedPermanently || failed.Status == http.StatusTemporaryRedirect ||
		failed.Code == "AuthorizationHeaderMalformed":
		failed.Hint = "check the region of the bucket " + s.bucket
		if is := answer.Response.Header.Get("X-Amz-Bucket-Region"); is != "" {
			failed.Hint = "the bucket " + s.bucket + " is in " + is + ": write region=" + is
		}
	case failed.Status == http.StatusForbidden:
		failed.Hint = "check the keys, and that they may do s3:GetObject and s3:ListBucket and, to export, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload; " +
			"without s3:ListBucket, S3 says of what is not there that it is denied"
	}
	return &failed
}

// bare takes what the SDK says around an error away, and URLs out of it.
func bare(err error) error {
	for {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err
			continue
		}
		if inner, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
			err = inner.Err
			continue
		}
		if inner, ok := errors.AsType[*smithy.OperationError](err); ok {
			err = inner.Err
			continue
		}
		return err
	}
}

// words are a message without what could confuse a terminal, cut short.
func words(message string) string {
	text := []rune(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, redact.String(message)))
	return string(text[:min(len(text), 300)])
}
