package unpack

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
)

// BenchmarkLayers unpacks an image of the shape of a builder: many small layers
// and a few large ones, about half of the bytes compressible.
func BenchmarkLayers(b *testing.B) {
	img, size := benchmarkImage(b)
	for name, unpack := range map[string]func(*Store) error{
		"layers": func(s *Store) error { _, err := s.Layers(b.Context(), img, nil); return err },
		"flat":   func(s *Store) error { _, err := s.Flat(b.Context(), img, nil); return err },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				b.StopTimer()
				dir := b.TempDir()
				b.StartTimer()
				s := openStore(b, dir, Options{UserXattr: os.Geteuid() != 0})
				if err := unpack(s); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if _, err := removeAll(dir); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

func benchmarkImage(b *testing.B) (*fakeImage, int64) {
	b.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	img, size := image(), int64(0)
	for i := range 20 {
		files, each := 50, 4_000
		if i < 3 {
			files, each = 1000, 20_000
		}
		var entries []entry
		for j := range files {
			content := make([]byte, each)
			for k := range each / 2 {
				content[k] = byte(random.Uint32())
			}
			entries = append(entries, file(fmt.Sprintf("l%d/d%d/f%d", i, j/20, j), string(content)))
		}
		archive := pax(b, entries...)
		size += int64(len(archive))
		img.layers = append(img.layers, newLayer(archive, gzipped))
	}
	return img, size
}
