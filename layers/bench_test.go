package layers

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/layers/archive"
	"github.com/pack-cache/pack-cache/layers/blob"
)

// benchTree returns a layers directory with the layer bench:mod: the directory
// that PACK_CACHE_BENCH_LAYERS names, or 2,000 files of text made up here.
func benchTree(b *testing.B) (dir string, layer CachedLayer, bytes int64) {
	b.Helper()
	layer = cacheLayer("bench", "mod", false)
	dir = cmp.Or(os.Getenv("PACK_CACHE_BENCH_LAYERS"), b.TempDir())
	if os.Getenv("PACK_CACHE_BENCH_LAYERS") == "" {
		makeText(b, filepath.Join(dir, layer.ID.Dir()))
	}
	err := filepath.WalkDir(filepath.Join(dir, layer.ID.Dir()), func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		bytes += info.Size()
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return dir, layer, bytes
}

func makeText(b *testing.B, dir string) {
	b.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 4000)
	for i := range words {
		words[i] = fmt.Sprintf("%x ", random.Uint32N(1<<(8+i%20)))
	}
	for i := range 2000 {
		sub := filepath.Join(dir, fmt.Sprint(i%40))
		if err := os.MkdirAll(sub, 0o755); err != nil {
			b.Fatal(err)
		}
		var text []byte
		for size := random.IntN(1 << (8 + i%10)); len(text) < size; {
			text = append(text, words[random.IntN(len(words))]...)
		}
		if err := os.WriteFile(filepath.Join(sub, fmt.Sprint(i)), text, 0o644); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSave(b *testing.B) {
	dir, layer, bytes := benchTree(b)
	for _, codec := range []blob.Codec{blob.Zstd, blob.Gzip, blob.Uncompressed} {
		b.Run(string(codec), func(b *testing.B) {
			b.SetBytes(bytes)
			var size int64
			before := cpuTime()
			for b.Loop() {
				report, err := Save(b.Context(), SaveRequest{
					Store: sinkStore{newFakeStore()}, Name: "x", Built: Built{LayersDir: dir}, Layers: []CachedLayer{layer},
					Compression: blob.Compression{Codec: codec},
				})
				if err != nil {
					b.Fatal(err)
				}
				size = report.Sent
			}
			b.ReportMetric((cpuTime()-before).Seconds()*1e3/float64(b.N), "cpu-ms/op")
			b.ReportMetric(float64(size)/1e6, "MB-stored")
		})
	}
}

func BenchmarkHash(b *testing.B) {
	dir, layer, bytes := benchTree(b)
	press, err := blob.NewPress(blob.Compression{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(bytes)
	for b.Loop() {
		tree, err := archive.List(archive.Form{LayersDir: dir, Prefix: "/layers", Dir: layer.ID.Dir()})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := press.Digest(b.Context(), tree.WriteArchive); err != nil {
			b.Fatal(err)
		}
		tree.Close()
	}
}

func BenchmarkRestore(b *testing.B) {
	dir, layer, bytes := benchTree(b)
	target := cmp.Or(os.Getenv("PACK_CACHE_BENCH_TARGET"), b.TempDir())
	for _, codec := range []blob.Codec{blob.Zstd, blob.Gzip, blob.Uncompressed} {
		b.Run(string(codec), func(b *testing.B) {
			store := newFakeStore()
			if _, err := Save(b.Context(), SaveRequest{
				Store: store, Name: "x", Built: Built{LayersDir: dir}, Layers: []CachedLayer{layer},
				Compression: blob.Compression{Codec: codec},
			}); err != nil {
				b.Fatal(err)
			}
			snapshot, err := Load(b.Context(), store, "x")
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(bytes)
			state := b.TempDir()
			var cpu time.Duration
			for b.Loop() {
				into, err := os.MkdirTemp(target, "")
				if err != nil {
					b.Fatal(err)
				}
				sha := previousDiffID(snapshot, layer.ID)
				before := cpuTime()
				if _, err := snapshot.Restore(b.Context(), sha, into, layer.ID.Dir(), RestoreOptions{StateDir: state}); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				cpu += cpuTime() - before
				os.RemoveAll(into)
				b.StartTimer()
			}
			b.ReportMetric(cpu.Seconds()*1e3/float64(b.N), "cpu-ms/op")
		})
	}
}

// BenchmarkUnchanged is a save when nothing changed.
func BenchmarkUnchanged(b *testing.B) {
	dir, layer, bytes := benchTree(b)
	store, into, state := newFakeStore(), b.TempDir(), b.TempDir()
	req := SaveRequest{Store: store, Name: "x", Built: Built{LayersDir: dir}, Layers: []CachedLayer{layer}}
	if _, err := Save(b.Context(), req); err != nil {
		b.Fatal(err)
	}
	snapshot, err := Load(b.Context(), store, "x")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := snapshot.Restore(b.Context(), previousDiffID(snapshot, layer.ID), into, layer.ID.Dir(), RestoreOptions{StateDir: state}); err != nil {
		b.Fatal(err)
	}
	req.Previous, req.LayersDir, req.StateDir = snapshot, into, state
	b.SetBytes(bytes)
	for b.Loop() {
		report, err := Save(b.Context(), req)
		if err != nil || report.Changed {
			b.Fatalf("%+v, %v", report, err)
		}
	}
}

// cpuTime is what this process has used of all processors. Other than the time
// on the clock it means something on a busy machine.
func cpuTime() time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// sinkStore hashes what is pushed, as any store does, and forgets it.
type sinkStore struct{ *fakeStore }

func (sinkStore) Push(_ context.Context, want v1.Descriptor, open func() (io.ReadCloser, error)) (Pushed, error) {
	stream, err := open()
	if err != nil {
		return Pushed{}, err
	}
	defer stream.Close()
	hash := sha256.New()
	want.Size, err = io.CopyBuffer(struct{ io.Writer }{hash}, stream, make([]byte, 64<<10))
	want.Digest = blob.HashOf(hash)
	return Pushed{Descriptor: want, Sent: want.Size}, err
}

func (sinkStore) Commit(context.Context, string, string, []byte, v1.Hash) (v1.Descriptor, error) {
	return v1.Descriptor{}, nil
}
