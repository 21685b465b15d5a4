package kinds

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers/blob"
)

func at(kind string, pairs ...string) Location {
	l := Location{Type: kind, Attrs: map[string]string{}}
	for i := 0; i < len(pairs); i += 2 {
		l.Attrs[pairs[i]] = pairs[i+1]
	}
	return l
}

func here(t *testing.T, path string) string {
	t.Helper()
	full, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return full
}

const digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func TestImport(t *testing.T) {
	t.Parallel()
	tests := []struct {
		value string
		want  Import
	}{
		{"r.example.com/cache:main", Import{Location: at("registry", "ref", "r.example.com/cache:main")}},
		{"type=registry,ref=r.example.com/cache", Import{Location: at("registry", "ref", "r.example.com/cache")}},
		{"ref=r.example.com/cache,TYPE=registry,registry.insecure=true", Import{Location: at("registry", "ref", "r.example.com/cache", "registry.insecure", "true")}},
		{"type=registry,ref=r.example.com/cache,timeout=90s", Import{Location: at("registry", "ref", "r.example.com/cache"), Timeout: 90 * time.Second}},
		{"type=local,src=/cache", Import{Location: at("local", "src", "/cache")}},
		{"type=local,src=cache/../x", Import{Location: at("local", "src", here(t, "x"))}},
		{`type=local,"src=/a,b",tag=main`, Import{Location: at("local", "src", "/a,b", "tag", "main")}},
		{"type=local,src=/cache,digest=" + digest, Import{Location: at("local", "src", "/cache", "digest", digest)}},
	}
	for _, test := range tests {
		t.Run(test.value, func(t *testing.T) {
			t.Parallel()
			got, err := All().Import(test.value, "r.example.com/app:1")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			wantOpens(t, got.Location)
		})
	}
}

// wantOpens checks that a phase can make a store of a location.
func wantOpens(t *testing.T, at Location) {
	t.Helper()
	store, name, err := All().Open(context.Background(), at, nil)
	if err != nil || store.String() == "" || name == "" {
		t.Errorf("opened %v %q, %v", store, name, err)
	}
}

func TestExport(t *testing.T) {
	t.Parallel()
	level := 19
	zstd, ref := blob.Compression{Codec: blob.Zstd}, at("registry", "ref", "r.example.com/cache")
	tests := []struct {
		value string
		want  Export
	}{
		{"r.example.com/cache", Export{Location: ref, Compression: zstd}},
		{"type=registry,ref=r.example.com/cache,mode=max,ignore-error=false", Export{Location: ref, Max: true, Required: true, Compression: zstd}},
		{"type=registry,ref=r.example.com/cache,compression-level=19,force-compression=true,timeout=1h",
			Export{Location: ref, Compression: blob.Compression{Codec: blob.Zstd, Level: &level}, ForceCompression: true, Timeout: time.Hour}},
		{"type=registry,ref=r.example.com/cache,oci-mediatypes=false,compression=gzip",
			Export{Location: at("registry", "ref", "r.example.com/cache", "oci-mediatypes", "false"), DockerMediaTypes: true, Compression: blob.Compression{Codec: blob.Gzip}}},
		{"type=registry,ref=r.example.com/cache,image-manifest=true,compression=uncompressed", Export{Location: ref, Compression: blob.Compression{Codec: blob.Uncompressed}}},
		{"type=local,dest=/cache,tag=a/b:c,reset=1", Export{Location: at("local", "dest", "/cache", "tag", "a/b:c", "reset", "true"), Compression: zstd}},
	}
	for _, test := range tests {
		t.Run(test.value, func(t *testing.T) {
			t.Parallel()
			got, err := All().Export(test.value, "r.example.com/app:1")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			wantOpens(t, got.Location)
		})
	}
}

// wantRefused wants an error that a user can do something about.
func wantRefused(t *testing.T, err error, says, way string) {
	t.Helper()
	refused, ok := errors.AsType[*hint.UsageError](err)
	if !ok {
		t.Fatalf("got %v, want a refusal", err)
	}
	if !strings.Contains(refused.Error(), says) || !strings.Contains(refused.Hint(), way) {
		t.Errorf("got %q, %q", refused.Error(), refused.Hint())
	}
}
