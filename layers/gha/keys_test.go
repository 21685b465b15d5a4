package gha

import (
	"strings"
	"testing"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"app", "registry.example.com:5000/team/app", "A,b#c~", "ü", "", strings.Repeat("x", 440)} {
		key := randomKey(name)
		if len(key) > 512 || strings.ContainsAny(key, ", ") || key != strings.ToLower(key) {
			t.Errorf("%q has key %q", name, key)
		}
		if got, ok := nameOf(strings.ToUpper(key)); !ok || got != name {
			t.Errorf("%q comes back as %q, %t", name, got, ok)
		}
	}
	long := strings.Repeat("X", 440)
	if key := randomKey(long); len(key) > 512 || strings.HasPrefix(key, namePrefix(long[1:])) {
		t.Errorf("a long name has key %q", key)
	}
	for _, key := range []string{streamKey(), blobKey(hashOf(nil)), "other-key", "pack-cache-a~zz#1"} {
		if name, ok := nameOf(key); ok {
			t.Errorf("%q belongs to %q", key, name)
		}
	}
}

func FuzzDecodeHead(f *testing.F) {
	good, err := (&head{MediaType: "a", Manifest: []byte("{}"), Blobs: map[string]place{hashOf(nil).String(): {Size: 1}}}).encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("pack-cache 1 ffffffff\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		h, err := decodeHead("key", content)
		if err != nil {
			return
		}
		s := New(Config{Version: 2})
		s.remember("key", h, content) // what lies outside is not taken
	})
}
