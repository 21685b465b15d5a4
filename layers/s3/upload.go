package s3

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/objects"
)

// upload is a multipart upload.
type upload struct {
	*service
	key, id string

	mu   sync.Mutex
	tags map[int]*string
}

// Begin implements objects.Writer.
func (s *service) Begin(ctx context.Context, key string) (objects.Upload, error) {
	return s.begin(ctx, key, "application/octet-stream")
}

func (s *service) begin(ctx context.Context, key, contentType string) (*upload, error) {
	out, err := s.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &s.bucket, Key: &key, ContentType: &contentType})
	if err != nil {
		return nil, s.failed(err)
	}
	return &upload{service: s, key: key, id: aws.ToString(out.UploadId), tags: map[int]*string{}}, nil
}

// Part implements objects.Upload.
func (u *upload) Part(ctx context.Context, number int, content []byte) error {
	out, err := u.client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &u.bucket, Key: &u.key, UploadId: &u.id, PartNumber: aws.Int32(int32(number)), Body: bytes.NewReader(content),
	})
	if err != nil {
		return u.failed(err)
	}
	u.done(number, out.ETag)
	return nil
}

func (u *upload) done(number int, tag *string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.tags[number] = tag
}

// Complete implements objects.Upload.
func (u *upload) Complete(ctx context.Context, count int) error {
	parts := make([]types.CompletedPart, count)
	for i := range parts {
		parts[i] = types.CompletedPart{PartNumber: aws.Int32(int32(i + 1)), ETag: u.tags[i+1]}
	}
	_, err := u.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &u.bucket, Key: &u.key, UploadId: &u.id, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	if err = u.failed(err); errors.Is(err, layers.ErrNotFound) {
		// It was completed, but the answer was lost and asked for again.
		if _, gone := u.Head(ctx, u.key); gone == nil {
			return nil
		}
	}
	return err
}

// Abort implements objects.Upload.
func (u *upload) Abort(ctx context.Context) error {
	_, err := u.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &u.bucket, Key: &u.key, UploadId: &u.id})
	return u.failed(err)
}
