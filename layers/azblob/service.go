package azblob

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/pack-cache/pack-cache/layers/objects"
)

// service is a container.
type service struct {
	client *container.Client
	// signs says that there is a key to sign URLs with.
	signs bool
}

var _ objects.Service = (*service)(nil)

// Get implements objects.Reader.
func (s *service) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, objects.Info, error) {
	part := blob.HTTPRange{Offset: offset, Count: max(length, 0)} // a count of 0 is to the end
	out, err := s.client.NewBlobClient(key).DownloadStream(ctx, &blob.DownloadStreamOptions{Range: part})
	if err != nil {
		return nil, objects.Info{}, failed(err)
	}
	if offset > 0 && out.ContentRange == nil {
		out.Body.Close()
		return nil, objects.Info{}, &objects.Error{Status: http.StatusOK, Message: "the service sent the whole blob instead of a part"}
	}
	return out.Body, objects.Info{
		Size: value(out.ContentLength), Tag: string(value(out.ETag)), ContentType: value(out.ContentType), Modified: value(out.LastModified),
	}, nil
}

// value is what p points to, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// Head implements objects.Reader.
func (s *service) Head(ctx context.Context, key string) (objects.Info, error) {
	out, err := s.client.NewBlobClient(key).GetProperties(ctx, nil)
	if err != nil {
		return objects.Info{}, failed(err)
	}
	if out.CopyStatus != nil && *out.CopyStatus != blob.CopyStatusTypeSuccess {
		// What a copy leaves that has not ended, or not well, is no blob.
		return objects.Info{}, &objects.Error{Status: http.StatusNotFound, Code: "CopyNotDone"}
	}
	return objects.Info{
		Size: value(out.ContentLength), Tag: string(value(out.ETag)), ContentType: value(out.ContentType), Modified: value(out.LastModified),
	}, nil
}

// List implements objects.Reader.
func (s *service) List(ctx context.Context, prefix string, each func(string, objects.Info)) error {
	pages := s.client.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Prefix: &prefix})
	for pages.More() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return failed(err)
		}
		for _, one := range page.Segment.BlobItems {
			each(value(one.Name), objects.Info{
				Size: value(one.Properties.ContentLength), Tag: string(value(one.Properties.ETag)), Modified: value(one.Properties.LastModified),
			})
		}
	}
	return nil
}

// Put implements objects.Writer.
func (s *service) Put(ctx context.Context, key, contentType string, content []byte, only objects.Condition) error {
	options := &blockblob.UploadOptions{HTTPHeaders: &blob.HTTPHeaders{BlobContentType: &contentType}}
	condition := &blob.ModifiedAccessConditions{}
	if only.Tag != "" {
		condition.IfMatch = to.Ptr(azcore.ETag(only.Tag))
	}
	if only.Absent {
		condition.IfNoneMatch = to.Ptr(azcore.ETagAny)
	}
	options.AccessConditions = &blob.AccessConditions{ModifiedAccessConditions: condition}
	_, err := s.client.NewBlockBlobClient(key).Upload(ctx, streaming.NopCloser(bytes.NewReader(content)), options)
	return failed(err)
}

// Delete implements objects.Writer.
func (s *service) Delete(ctx context.Context, key string) error {
	_, err := s.client.NewBlobClient(key).Delete(ctx, nil)
	if err = failed(err); err != nil && isMissing(err) {
		return nil
	}
	return err
}
