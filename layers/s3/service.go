package s3

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/pack-cache/pack-cache/layers/objects"
)

// service is a bucket.
type service struct {
	client *s3.Client
	bucket string
	// maxCopy is the size of the largest object that can be copied at once,
	// copyPart that of the parts of larger ones.
	maxCopy, copyPart int64
}

var _ objects.Service = (*service)(nil)

// Get implements objects.Reader.
func (s *service) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, objects.Info, error) {
	in := &s3.GetObjectInput{Bucket: &s.bucket, Key: &key}
	switch {
	case length > 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", offset, offset+length-1))
	case offset > 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", offset))
	}
	out, err := s.client.GetObject(ctx, in)
	if err != nil {
		return nil, objects.Info{}, s.failed(err)
	}
	info := objects.Info{
		Size: aws.ToInt64(out.ContentLength), Tag: aws.ToString(out.ETag),
		ContentType: aws.ToString(out.ContentType), Modified: aws.ToTime(out.LastModified),
	}
	if in.Range == nil {
		return out.Body, info, nil
	}
	if err := place(out.Body, aws.ToString(out.ContentRange), offset); err != nil {
		out.Body.Close()
		return nil, objects.Info{}, err
	}
	return out.Body, info, nil
}

// place brings the body of an answer to a request for a range to offset. A
// service that does not know ranges sends everything.
func place(body io.Reader, contentRange string, offset int64) error {
	if contentRange == "" {
		if _, err := io.CopyN(io.Discard, body, offset); err != nil && err != io.EOF {
			return &objects.Error{Cause: err}
		}
		return nil
	}
	var from int64
	if _, err := fmt.Sscanf(contentRange, "bytes %d-", &from); err != nil || from != offset {
		return &objects.Error{Status: http.StatusPartialContent, Code: "ContentRange",
			Message: fmt.Sprintf("asked for bytes from %d on, got %q", offset, contentRange)}
	}
	return nil
}

// Head implements objects.Reader.
func (s *service) Head(ctx context.Context, key string) (objects.Info, error) {
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.bucket, Key: &key})
	if err != nil {
		return objects.Info{}, s.failed(err)
	}
	return objects.Info{
		Size: aws.ToInt64(out.ContentLength), Tag: aws.ToString(out.ETag),
		ContentType: aws.ToString(out.ContentType), Modified: aws.ToTime(out.LastModified),
	}, nil
}

// List implements objects.Reader.
func (s *service) List(ctx context.Context, prefix string, each func(string, objects.Info)) error {
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return s.failed(err)
		}
		for _, one := range page.Contents {
			each(aws.ToString(one.Key), objects.Info{Size: aws.ToInt64(one.Size), Tag: aws.ToString(one.ETag), Modified: aws.ToTime(one.LastModified)})
		}
	}
	return nil
}

// Put implements objects.Writer.
func (s *service) Put(ctx context.Context, key, contentType string, content []byte, only objects.Condition) error {
	in := &s3.PutObjectInput{Bucket: &s.bucket, Key: &key, ContentType: &contentType, Body: bytes.NewReader(content)}
	if only.Tag != "" {
		in.IfMatch = &only.Tag
	}
	if only.Absent {
		in.IfNoneMatch = aws.String("*")
	}
	_, err := s.client.PutObject(ctx, in)
	return s.failed(err)
}

// Delete implements objects.Writer.
func (s *service) Delete(ctx context.Context, key string) error {
	_, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: &key})
	return s.failed(err)
}
