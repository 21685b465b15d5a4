package acceptance

import (
	"path/filepath"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/internal/test/testservers"
)

// TestTimes has a buildpack that trusts times of modification find nothing to do
// on another machine: whatever the cache is compressed with, and wherever it is
// kept. What the stock lifecycle has saved is older than every source.
func TestTimes(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	dir := filepath.Join(openDir(t), "cache")
	testTimes(t, reg, nil, []timesCase{
		{"zstd", "type=registry,ref=" + reg.ref("zstd"), "", reg.ref("zstd")},
		{"gzip", "type=registry,ref=" + reg.ref("gzip"), ",compression=gzip", reg.ref("gzip")},
		{"estargz", "type=registry,ref=" + reg.ref("estargz"), ",compression=estargz", reg.ref("estargz")},
		{"uncompressed", "type=registry,ref=" + reg.ref("none"), ",compression=uncompressed", reg.ref("none")},
		{"docker", "type=registry,ref=" + reg.ref("docker"), ",compression=gzip,oci-mediatypes=false", reg.ref("docker")},
		{"local", "type=local,dest=" + dir, "", "type=local,src=" + dir},
		{"inline", "type=inline", ",mode=max", reg.ref("app")},
	}, reg.ref("stock"))
}

// TestTimesInObjectStores is TestTimes for what needs servers of its own.
func TestTimesInObjectStores(t *testing.T) {
	t.Parallel()
	s3, azure := testservers.NewMinIO(t), testservers.NewAzurite(t)
	env := []string{"AWS_ACCESS_KEY_ID=" + s3.AccessKey, "AWS_SECRET_ACCESS_KEY=" + s3.SecretKey, "AZURE_STORAGE_KEY=" + azure.Key}
	bucket := "type=s3,bucket=" + s3.Bucket + ",use_path_style=true,region=" + s3.Region + ",endpoint_url=" + s3.URL + ",name=times"
	container := "type=azblob,container=times,name=times,account_url=" + azure.URL + ",account_name=" + azure.Account
	testTimes(t, newRegistry(t, testregistry.Options{}), env, []timesCase{
		{"s3", bucket, "", bucket}, {"azblob", container, "", container},
	}, "")
}

// timesCase is a cache that is saved at to with attributes, and imported from.
type timesCase struct{ name, to, attributes, from string }

const (
	nothingRebuilt = "make: rebuilt 0 of 3, linked no"
	allRebuilt     = "make: rebuilt 3 of 3, linked yes"
)

// testTimes builds once, saves everywhere, and builds again from each. stock is an
// image that the stock lifecycle saves its cache to, "" for none.
func testTimes(t *testing.T, reg *registry, env []string, cases []timesCase, stock string) {
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, map[string]string{"src/a": "a", "src/b": "b", "src/z": "z"})
	args := []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish", "--cache-required"}
	for _, c := range cases {
		args = append(args, "--export-cache", c.to+c.attributes)
	}
	cold, out := newMachine(t, env...).build(args...)
	out.wantStderr(t, allRebuilt)
	if stock != "" {
		reg.creator(t, builder, app, cold.Builder.PlatformAPI, "-cache-image", stock, reg.ref("by-stock"))
		cases = append(cases, timesCase{"stock", "", "", stock})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, out := newMachine(t, env...).build(reg.ref("warm-"+c.name), "--builder", builder, "--path", app.dir, "--publish",
				"--cache-required", "--import-cache", c.from)
			want := nothingRebuilt
			if c.from == stock {
				want = allRebuilt
			}
			out.wantStderr(t, "make: objects: restored", want)
		})
	}
}
