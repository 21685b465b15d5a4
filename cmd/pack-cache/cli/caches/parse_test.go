package caches

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers/kinds"
)

const digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func TestRefused(t *testing.T) {
	t.Parallel()
	const registry, local = "type=registry,ref=r.example.com/cache", "type=local,dest=/cache"
	tests := []struct {
		use, value string
		says, hint string
	}{
		{"import", "", "--x: nothing is given", "type=registry,ref="},
		{"import", "ref=r.example.com/cache", "--x: attribute type is missing", "add type=, with one of: registry, "},
		{"import", "type=loacl,src=/cache", `--x: attribute type: there is no "loacl"`, "did you mean local? valid are: registry, "},
		{"export", "type=gha", "--x type=gha: attribute scope is missing", "add scope=NAME"},
		{"import", "type=gha,access=raed", `attribute access: there is no "raed"`, "did you mean read?"},
		{"import", "type=gha,version=3", `attribute version: there is no "3"`, "valid are: 1, 2"},
		{"import", "type=nfs", `--x: attribute type: there is no "nfs"`, "valid are: registry, "},
		{"import", "type=registry,src=/cache", `--x type=registry: unknown attribute "src"`, "valid are: ref, registry.insecure, timeout, idle-timeout, max-wait"},
		{"import", "type=inline", "--x type=inline: an inline cache is part of an app image", "type=registry,ref=IMAGE"},
		{"export", "type=inline,ref=r.example.com/app", `unknown attribute "ref"`, "valid are: mode, ignore-error"},
		{"import", "type=registry", "--x type=registry: attribute ref is missing", "add ref=IMAGE"},
		{"import", "r.example.com/Cache", `cache image "r.example.com/Cache" is not an image reference`, "REGISTRY/REPOSITORY"},
		{"export", "type=registry,ref=bob:hunter2@r.example.com/cache", `cache image "[redacted]@r.example.com/cache" is not an image reference`, "docker login"},
		{"import", registry + ",mode=max", "--x type=registry: attribute mode is for export only", "valid are: ref"},
		{"import", registry + ",compression=gzip", "attribute compression is for export only", "valid are: ref"},
		{"import", registry + ",oci-mediatypes=false", "attribute oci-mediatypes is for export only", "valid are: ref"},
		{"import", registry + ",timeout=soon", `attribute timeout: "soon" is not a duration`, "90s"},
		{"import", "type=local,dest=/cache", "attribute dest is for export only", "did you mean src? valid are: src, tag, digest, timeout, idle-timeout, max-wait"},
		{"import", "type=local", "attribute src is missing", "add src=DIRECTORY"},
		{"import", "type=local,src=/c,digest=sha256:12", `attribute digest: "sha256:12" is not a digest`, "64 hexadecimal digits"},
		{"import", "type=local,src=/c,tag=" + digest, "is a digest", "write digest=" + digest},
		{"import", "type=local,src=/c,tag=a b", `attribute tag: "a b" is not a name`, "letters and digits"},
		{"export", registry + ",reff=x", `unknown attribute "reff"`, "did you mean ref?"},
		{"export", registry + ",mode=mx", `attribute mode: there is no "mx"`, "did you mean max? valid are: min, max"},
		{"export", registry + ",ignore-error=flase", `attribute ignore-error: "flase" is not true or false`, "did you mean false?"},
		{"export", registry + ",compression=gizp", `attribute compression: there is no "gizp"`, "did you mean gzip? valid are: zstd, gzip, estargz, uncompressed"},
		{"export", registry + ",compression=estargz,oci-mediatypes=false", "compression=estargz is not possible", "leave oci-mediatypes at true"},
		{"export", registry + ",compression=estargz,compression-level=10", "compression-level=10 is not possible", "estargz takes levels from 0 to 9"},
		{"export", registry + ",compression-level=23", "compression-level=23 is not possible", "zstd takes levels from 0 to 22"},
		{"export", registry + ",compression-level=-1", "compression-level=-1 is not possible", "zstd takes levels from 0 to 22"},
		{"export", registry + ",compression=gzip,compression-level=10", "compression-level=10 is not possible", "gzip takes levels from 0 to 9"},
		{"export", registry + ",compression=uncompressed,compression-level=1", "compression-level=1 is not possible", "uncompressed has no levels"},
		{"export", registry + ",compression-level=best", `attribute compression-level: "best" is not a whole number`, "whole number"},
		{"export", registry + ",force-compression=", `attribute force-compression: "" is not true or false`, "true or false"},
		{"export", registry + ",oci-mediatypes=false", "compression=zstd is not possible", "use compression=gzip"},
		{"export", registry + ",image-manifest=false", "attribute image-manifest=false is not possible: a cache is an image", "leave image-manifest out"},
		{"export", local + ",src=/x", "attribute src is for import only", "valid are: dest, tag, reset, mode"},
		{"export", local + ",digest=" + digest, "attribute digest is for import only", "valid are: dest"},
		{"export", local + ",reset=perhaps", `attribute reset: "perhaps" is not true or false`, "true or false"},
		{"export", "type=local,dest=", "attribute dest is empty", "dest=DIRECTORY"},
		{"export", "type=local,dest=/a,b", `what follows attribute "dest" has no =`, "quote"},
	}
	for _, test := range tests {
		t.Run(test.use+" "+test.value, func(t *testing.T) {
			t.Parallel()
			var err error
			if test.use == "import" {
				_, err = Import("--x", test.value, "")
			} else {
				_, err = Export("--x", test.value, "")
			}
			wantUsage(t, err, test.says, test.hint)
		})
	}
}

func wantUsage(t *testing.T, err error, says, way string) {
	t.Helper()
	refused, ok := errors.AsType[*hint.UsageError](err)
	if !ok {
		t.Fatalf("got %v, want a usage error", err)
	}
	if !strings.Contains(refused.Error(), says) || !strings.Contains(refused.Hint(), way) {
		t.Errorf("got %q, %q", refused.Error(), refused.Hint())
	}
}

func here(t *testing.T, path string) string {
	t.Helper()
	full, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return full
}

// wantOpens checks that a phase can make a store of a location.
func wantOpens(t *testing.T, at kinds.Location) {
	t.Helper()
	store, err := at.Open(context.Background(), kinds.Access{})
	if err != nil || store.String() == "" {
		t.Errorf("opened %v, %v", store, err)
	}
}

func TestPack(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", home)
	volume := home + "/pack-cache/volumes/pack-cache-r.example.com_app_1-eb55235ab754.build"
	tests := []struct{ value, want string }{
		{"type=build;format=volume;type=launch;format=volume;", volume}, // pack's own default
		{"type=launch;format=volume;name=x;type=build;format=image;name=r.example.com/cache", "r.example.com/cache:latest"},
		{"type=build;format=image;name=r.example.com/cache", "r.example.com/cache:latest"},
		{"format=image;name=r.example.com/cache", "r.example.com/cache:latest"},
		{"type=build;format=bind;source=/cache", "/cache"},
		{"Type=build;Format=bind;Source=cache", here(t, "cache")},
		{`format=bind;"source=/a;b"`, "/a;b"},
		{"format=volume;name=mine", home + "/pack-cache/volumes/mine"},
		{"type=build", volume},
	}
	for _, test := range tests {
		t.Run(test.value, func(t *testing.T) {
			imports, exports, warning, err := Pack("--cache", test.value, "r.example.com/app:1")
			if err != nil || len(imports) != 1 || len(exports) != 1 || strings.Contains(test.value, "launch") != strings.Contains(warning, "type=launch is not used") {
				t.Fatal(imports, exports, warning, err)
			}
			from, to := imports[0], exports[0]
			var got []string
			for _, at := range []kinds.Facts{from.Facts(), to.Facts()} {
				got = append(got, cmp.Or(at.Dir, at.Label))
			}
			if diff := gocmp.Diff([]string{test.want, test.want}, got); diff != "" {
				t.Error(diff)
			}
			wantOpens(t, from.Location)
			wantOpens(t, to.Location)
		})
	}
}

func TestPackRefused(t *testing.T) {
	t.Parallel()
	tests := []struct{ value, says, hint string }{
		{"", "--cache: nothing is given", ""},
		{"image", `"image" has no =`, "format=image"},
		{"type=launch;format=bind", "attribute source is missing for format=bind", "add source="},
		{"type=build;format=volume;format=image", "attribute format is given twice", "give it once"},
		{"type=buidl", `attribute type: there is no "buidl"`, "did you mean build?"},
		{"type=build;format=dir", `attribute format: there is no "dir"`, "valid are: image, bind, volume"},
		{"type=build;fromat=image", `unknown attribute "fromat"`, "did you mean format?"},
		{"type=build;format=image", "attribute name is missing for format=image", "add name="},
		{"type=build;format=bind", "attribute source is missing for format=bind", "add source="},
		{"type=build;format=bind;source=/x;name=y", "attribute name is not for format=bind", "source=DIRECTORY alone"},
		{"type=build;format=image;name=x;source=/y", "attribute source is not for format=image", "format=bind"},
		{"type=build;format=volume;name=../x", `attribute name: "../x" is not a name for a volume`, "use letters"},
		{"type=build,format=image", `attribute type: there is no "build,format=image"`, "valid are"},
	}
	for _, test := range tests {
		t.Run(test.value, func(t *testing.T) {
			t.Parallel()
			_, _, _, err := Pack("--cache", test.value, "r.example.com/app")
			wantUsage(t, err, test.says, test.hint)
		})
	}
}

func TestVolumeWithoutHome(t *testing.T) {
	for _, name := range []string{"HOME", "XDG_CACHE_HOME"} {
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	_, _, _, err := Pack("--cache", "format=volume", "r.example.com/app")
	wantUsage(t, err, "there is no place for volumes", "set HOME")
}
