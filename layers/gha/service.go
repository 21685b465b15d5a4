package gha

import (
	"context"
	"strings"
)

// service is a version of the cache service.
type service interface {
	// find returns the entry that one of keys finds: the one that has it, or else
	// the newest of those whose key begins with it. The first key that finds one
	// counts; nil is for none.
	find(ctx context.Context, keys ...string) (*entry, error)
	// reserve begins an entry. The error wraps errTaken if the key is.
	reserve(ctx context.Context, key string) (upload, error)
}

// entry is an entry that was found.
type entry struct {
	key string
	// url is where its content is, for a while. It is a secret.
	url string
}

// address is where the content is without what a signature adds, which is another
// one each time. Entries of two branches can have the same key; this tells them
// apart.
func (e *entry) address() string {
	address, _, _ := strings.Cut(e.url, "?")
	return address
}

// upload is an entry that nobody finds yet. One that is not ended is never
// found.
type upload interface {
	// part stores a part. Parts may come in any order, and at the same time.
	part(ctx context.Context, number int, offset int64, content []byte) error
	// end makes an entry of all parts.
	end(ctx context.Context, parts int, size int64) error
	// whole makes an entry of content alone, which is not empty.
	whole(ctx context.Context, content []byte) error
}
