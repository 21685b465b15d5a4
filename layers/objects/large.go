package objects

import (
	"context"
	"crypto/rand"
	"errors"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/internal/web"
)

// pending begins, after Config.Blobs, the keys of blobs whose digest is not known
// yet.
const pending = "pending-"

// large stores content of more than one part, the first of which has been read.
// closeSource closes the content, once.
func (p *push) large(ctx context.Context, first *[partSize]byte, closeSource func() error) (err error) {
	s := p.store
	key := s.config.Blobs + pending + rand.Text()
	if p.want != (v1.Hash{}) {
		key = s.blobKey(p.want)
	}
	upload, err := s.config.Service.Begin(ctx, key)
	if err != nil {
		s.buffers.Put(first)
		return err
	}
	count, err := p.parts(ctx, upload, first)
	if err == nil {
		err = errors.Join(closeSource(), p.check())
	}
	if err == nil {
		err = upload.Complete(web.WithWork(ctx, p.size), count)
	}
	if err != nil {
		inner, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUp)
		defer cancel()
		_ = upload.Abort(inner) // what is wrong is known already
		return err
	}
	if p.want != (v1.Hash{}) {
		return nil
	}
	return p.move(ctx, key)
}

// parts sends all parts of the content, and returns how many there were.
func (p *push) parts(ctx context.Context, upload Upload, first *[partSize]byte) (count int, err error) {
	s := p.store
	group, inner := errgroup.WithContext(ctx)
	buffer, n, end := first, partSize, false
	for err == nil && n > 0 {
		if err = s.parts.Acquire(inner, 1); err != nil {
			break
		}
		count++
		number, content := count, buffer
		size := n
		group.Go(func() error {
			defer s.parts.Release(1)
			defer s.buffers.Put(content)
			return upload.Part(inner, number, content[:size])
		})
		if buffer = nil; end {
			break
		}
		buffer = s.buffers.Get().(*[partSize]byte)
		n, end, err = p.fill(inner, buffer[:])
	}
	if buffer != nil {
		s.buffers.Put(buffer)
	}
	sent := group.Wait()
	if source := (*sourceError)(nil); errors.As(err, &source) {
		return 0, err
	}
	if sent != nil {
		return 0, sent
	}
	return count, err
}

// move brings a blob to where its digest says that it belongs.
func (p *push) move(ctx context.Context, from string) error {
	s := p.store
	to := s.blobKey(p.digest())
	defer func() {
		inner, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUp)
		defer cancel()
		_ = s.config.Service.Delete(inner, from) // or Sweep finds it
	}()
	if _, err := s.config.Service.Head(ctx, to); !missing(err) {
		return err // it is there already
	}
	info, err := s.config.Service.Head(ctx, from)
	if err != nil {
		return err
	}
	return s.config.Service.Copy(web.WithWork(ctx, info.Size), from, to, info)
}
