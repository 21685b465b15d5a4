package azblob

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"

	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/objects"
)

// upload is a blob that is put together of blocks.
type upload struct {
	*service
	key, id string
}

// Begin implements objects.Writer.
func (s *service) Begin(_ context.Context, key string) (objects.Upload, error) {
	return &upload{s, key, rand.Text()}, nil
}

// block is the id of a part. Those of one blob have to be of the same length,
// and other uploads of the same blob may be under way.
func (u *upload) block(number int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s-%06d", u.id, number))
}

// Part implements objects.Upload.
func (u *upload) Part(ctx context.Context, number int, content []byte) error {
	_, err := u.client.NewBlockBlobClient(u.key).StageBlock(ctx, u.block(number), streaming.NopCloser(bytes.NewReader(content)), nil)
	return failed(err)
}

// Complete implements objects.Upload.
func (u *upload) Complete(ctx context.Context, count int) error {
	blocks := make([]string, count)
	for i := range blocks {
		blocks[i] = u.block(i + 1)
	}
	_, err := u.client.NewBlockBlobClient(u.key).CommitBlockList(ctx, blocks, &blockblob.CommitBlockListOptions{})
	if bloberror.HasCode(err, bloberror.InvalidBlockList) {
		// Somebody else has completed the same blob, and our blocks are gone; or
		// we have, and the answer was lost.
		if _, gone := u.Head(ctx, u.key); gone == nil {
			return nil
		}
	}
	return failed(err)
}

// Abort implements objects.Upload. Azure removes blocks of blobs that are never
// completed by itself, after a week.
func (*upload) Abort(context.Context) error { return nil }

// pollEvery is how often a copy is asked for that is under way.
const pollEvery = 200 * time.Millisecond

// Copy implements objects.Writer. Nothing is transferred; Azure does it.
func (s *service) Copy(ctx context.Context, from, to string, _ objects.Info) error {
	source := s.client.NewBlobClient(from)
	address := source.URL() // which has the signature, if there is one
	if s.signs {
		var err error
		if address, err = source.GetSASURL(sas.BlobPermissions{Read: true}, time.Now().Add(time.Hour), nil); err != nil {
			return &objects.Error{Cause: errors.New("cannot sign the address of a blob")}
		}
	}
	target := s.client.NewBlobClient(to)
	started, err := target.StartCopyFromURL(ctx, address, nil)
	if err != nil {
		return failed(err)
	}
	for now := value(started.CopyStatus); now != blob.CopyStatusTypeSuccess; {
		if now != blob.CopyStatusTypePending {
			return &objects.Error{Cause: fmt.Errorf("the copy within the container ended as %q", now)}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollEvery):
		}
		properties, err := target.GetProperties(ctx, nil)
		if err != nil {
			return failed(err)
		}
		now = value(properties.CopyStatus)
	}
	return nil
}

// isMissing reports whether an error says that a blob is not there.
func isMissing(err error) bool { return errors.Is(err, layers.ErrNotFound) }
