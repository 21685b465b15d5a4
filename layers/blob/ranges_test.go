package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/web"
)

// link is a network on which every connection carries at most perConnection
// bytes a second, and all together at most perLink.
type link struct {
	perConnection, perLink int64

	mu        sync.Mutex
	free      time.Time
	open, max int
	opened    int
}

func (l *link) connect(data []byte, offset, length int64) io.ReadCloser {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open++
	l.opened++
	l.max = max(l.max, l.open)
	data = data[offset:]
	if length >= 0 {
		data = data[:length]
	}
	return &connection{link: l, data: data}
}

type connection struct {
	link   *link
	data   []byte
	closed bool
}

func (c *connection) Read(p []byte) (int, error) {
	if len(c.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), 64<<10)], c.data)
	c.data = c.data[n:]
	l := c.link
	l.mu.Lock()
	now := time.Now()
	if l.free.Before(now) {
		l.free = now
	}
	l.free = l.free.Add(time.Duration(int64(n) * int64(time.Second) / l.perLink))
	wait := max(l.free.Sub(now), time.Duration(int64(n)*int64(time.Second)/l.perConnection))
	l.mu.Unlock()
	time.Sleep(wait)
	return n, nil
}

func (c *connection) Close() error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if !c.closed {
		c.closed = true
		c.link.open--
	}
	return nil
}

// sourceFunc is a Source.
type sourceFunc func(blob v1.Descriptor, offset, length int64) (io.ReadCloser, error)

func (f sourceFunc) Open(ctx context.Context, blob v1.Descriptor, offset, length int64) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return f(blob, offset, length)
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func randomBlob(size int) ([]byte, v1.Descriptor) {
	blob := make([]byte, size)
	random := rand.NewChaCha8([32]byte{1})
	random.Read(blob)
	return blob, v1.Descriptor{Digest: DigestOf(blob), Size: int64(size)}
}

// Time in these tests is the bubble's: they take none.
func TestRangesAdapt(t *testing.T) {
	t.Parallel()
	const mb = 1_000_000
	blob, descriptor := randomBlob(92 * mb)
	for _, test := range []struct {
		name                   string
		perConnection, perLink int64
		reader                 int64 // bytes a second that the reader takes; 0: all
		memory                 int
		minMax, maxMax         int // connections at the same time
		within                 time.Duration
	}{
		{"connections are the limit", 40 * mb, 125 * mb, 0, maxRanges, 4, 8, 1300 * time.Millisecond},
		{"the link is the limit", 125 * mb, 125 * mb, 0, maxRanges, 1, 2, 900 * time.Millisecond},
		{"the reader is the limit", 40 * mb, 125 * mb, 10 * mb, maxRanges, 1, 1, 12 * time.Second},
		{"no memory", 40 * mb, 125 * mb, 0, 0, 1, 1, 3 * time.Second},
		{"little memory", 40 * mb, 125 * mb, 0, 2, 1, 3, 3 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &link{perConnection: test.perConnection, perLink: test.perLink}
				source := sourceFunc(func(_ v1.Descriptor, offset, length int64) (io.ReadCloser, error) {
					return l.connect(blob, offset, length), nil
				})
				began := time.Now()
				pool := newMemory(test.memory, rangeSize)
				reader := openRanges(t.Context(), source, descriptor, pool)
				got := slowly(t, reader, test.reader, descriptor.Size)
				must(t, reader.Close())
				took := time.Since(began)
				if !bytes.Equal(got, blob) {
					t.Error("other bytes")
				}
				if l.open != 0 {
					t.Errorf("%d connections left", l.open)
				}
				if int(pool.left.Load())+len(pool.free) != test.memory {
					t.Error("memory left in use")
				}
				t.Logf("%s, %d connections, at most %d at the same time", took, l.opened, l.max)
				if l.max < test.minMax || l.max > test.maxMax || took > test.within {
					t.Errorf("want %d to %d connections and at most %s", test.minMax, test.maxMax, test.within)
				}
			})
		})
	}
}

// slowly reads everything at a rate.
func slowly(t *testing.T, from io.Reader, rate, size int64) []byte {
	got := make([]byte, 0, size)
	buffer := make([]byte, 128<<10)
	for {
		n, err := from.Read(buffer)
		got = append(got, buffer[:n]...)
		if errors.Is(err, io.EOF) {
			return got
		}
		must(t, err)
		if rate > 0 {
			time.Sleep(time.Duration(int64(n) * int64(time.Second) / rate))
		}
	}
}

// Streams that break off anywhere are continued, and nothing is read twice.
func TestRangesResume(t *testing.T) {
	t.Parallel()
	blob, descriptor := randomBlob(40 << 20)
	for _, memory := range []int{0, maxRanges} {
		t.Run(fmt.Sprint(memory), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(1, 1))
				l := &link{perConnection: 10e6, perLink: 100e6}
				var mu sync.Mutex
				source := sourceFunc(func(_ v1.Descriptor, offset, length int64) (io.ReadCloser, error) {
					mu.Lock()
					defer mu.Unlock()
					switch random.IntN(4) {
					case 0:
						return nil, errors.New("503")
					case 1:
						return l.connect(blob, offset, length), nil
					default: // breaks off
						left := int64(len(blob)) - offset
						if length >= 0 {
							left = length
						}
						return l.connect(blob, offset, min(left, random.Int64N(8<<20))), nil
					}
				})
				reader := openRanges(t.Context(), source, descriptor, newMemory(memory, rangeSize))
				got, err := io.ReadAll(reader)
				must(t, err)
				must(t, reader.Close())
				if !bytes.Equal(got, blob) {
					t.Error("other bytes")
				}
				if l.open != 0 {
					t.Errorf("%d connections left", l.open)
				}
			})
		})
	}
}

func TestRangesFail(t *testing.T) {
	t.Parallel()
	blob, descriptor := randomBlob(40 << 20)
	broken := errors.New("503")
	for name, test := range map[string]struct {
		from  int64 // what is behind this cannot be read
		err   error
		want  error
		opens int // attempts behind it, at most
	}{
		"final":              {0, &web.GaveUp{Cause: broken}, broken, 1},
		"broken":             {0, broken, broken, web.DefaultAttempts},
		"broken in the end":  {30 << 20, broken, broken, web.DefaultAttempts * maxConnections},
		"too short":          {39 << 20, io.EOF, ErrCorrupt, web.DefaultAttempts * maxConnections},
		"final in the end":   {30 << 20, &web.GaveUp{Cause: broken}, broken, maxConnections},
		"nothing comes back": {0, io.EOF, ErrCorrupt, web.DefaultAttempts},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &link{perConnection: 10e6, perLink: 100e6}
				var mu sync.Mutex
				opens := 0
				source := sourceFunc(func(_ v1.Descriptor, offset, length int64) (io.ReadCloser, error) {
					if offset >= test.from {
						mu.Lock()
						opens++
						mu.Unlock()
						if test.err == io.EOF {
							return io.NopCloser(bytes.NewReader(nil)), nil
						}
						return nil, test.err
					}
					if length < 0 {
						length = descriptor.Size - offset
					}
					return l.connect(blob, offset, min(length, test.from-offset)), nil
				})
				reader := openRanges(t.Context(), source, descriptor, newMemory(maxRanges, rangeSize))
				_, err := io.ReadAll(reader)
				must(t, reader.Close())
				if !errors.Is(err, test.want) {
					t.Errorf("error %v, want %v", err, test.want)
				}
				if opens > test.opens {
					t.Errorf("%d attempts", opens)
				}
				if l.open != 0 {
					t.Errorf("%d connections left", l.open)
				}
			})
		})
	}
}

func TestRangesCancelled(t *testing.T) {
	t.Parallel()
	blob, descriptor := randomBlob(40 << 20)
	for _, after := range []time.Duration{0, time.Second, 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), after)
			defer cancel()
			l := &link{perConnection: 5e6, perLink: 100e6}
			source := sourceFunc(func(_ v1.Descriptor, offset, length int64) (io.ReadCloser, error) {
				c := l.connect(blob, offset, length)
				return struct {
					io.Reader
					io.Closer
				}{readerFunc(func(p []byte) (int, error) {
					if ctx.Err() != nil {
						return 0, ctx.Err()
					}
					return c.Read(p)
				}), c}, nil
			})
			reader := openRanges(ctx, source, descriptor, newMemory(maxRanges, rangeSize))
			_, err := io.ReadAll(reader)
			must(t, reader.Close())
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("after %s: error %v", after, err)
			}
			if l.open != 0 {
				t.Errorf("%d connections left", l.open)
			}
		})
	}
}
