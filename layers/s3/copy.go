package s3

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/layers/objects"
)

// Limits of copies within S3 (Amazon S3, "Multipart upload limits").
const (
	maxCopy  = 5 << 30
	copyPart = 1 << 30
)

// Copy implements objects.Writer. Nothing is transferred; S3 does it.
func (s *service) Copy(ctx context.Context, from, to string, info objects.Info) error {
	if info.Size > s.maxCopy {
		return s.copyParts(ctx, from, to, info)
	}
	in := &s3.CopyObjectInput{
		Bucket: &s.bucket, Key: &to, CopySource: s.source(from),
		// Without this, S3 refuses to copy an object onto itself.
		MetadataDirective: types.MetadataDirectiveReplace, ContentType: aws.String(info.ContentType),
	}
	if info.Tag != "" {
		in.CopySourceIfMatch = aws.String(info.Tag)
	}
	_, err := s.client.CopyObject(ctx, in)
	return s.failed(err)
}

// source names an object as the header x-amz-copy-source does.
func (s *service) source(key string) *string {
	parts := strings.Split(s.bucket+"/"+key, "/")
	for i, part := range parts {
		parts[i] = strings.ReplaceAll(url.QueryEscape(part), "+", "%20")
	}
	return aws.String(strings.Join(parts, "/"))
}

// copyParts copies an object that is too large to be copied at once.
func (s *service) copyParts(ctx context.Context, from, to string, info objects.Info) error {
	u, err := s.begin(ctx, to, info.ContentType)
	if err != nil {
		return err
	}
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(4)
	count := 0
	for offset := int64(0); offset < info.Size; offset += s.copyPart {
		count++
		number, end := count, min(offset+s.copyPart, info.Size)-1
		group.Go(func() error {
			out, err := s.client.UploadPartCopy(inner, &s3.UploadPartCopyInput{
				Bucket: &s.bucket, Key: &to, UploadId: &u.id, PartNumber: aws.Int32(int32(number)),
				CopySource: s.source(from), CopySourceRange: aws.String(fmt.Sprintf("bytes=%d-%d", offset, end)),
			})
			if err != nil {
				return s.failed(err)
			}
			u.done(number, out.CopyPartResult.ETag)
			return nil
		})
	}
	if err = group.Wait(); err == nil {
		err = u.Complete(ctx, count)
	}
	if err != nil {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = u.Abort(clean) // what is wrong is known already
	}
	return err
}
