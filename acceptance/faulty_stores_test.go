package acceptance

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testactions"
	"github.com/pack-cache/pack-cache/internal/test/testfaults"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/internal/test/testservers"
)

// faultyStore is a real store that stands behind a proxy of each row.
type faultyStore struct {
	name string
	// open gives a row a cache of its own in the store.
	open func(t *testing.T, row string) faultyCache
	// reads are the kinds of requests of an import, writes those of an export.
	reads, writes []requests
}

// faultyCache is one cache, by two ways.
type faultyCache struct {
	// direct are the attributes of the cache as it is, proxied those by way of
	// the proxy.
	direct, proxied string
	proxy           *testfaults.Proxy
	env             []string
}

// requests is a kind of request.
type requests struct {
	name, method, path string
	// skip lets that many pass, which are of another kind.
	skip int
	// large is for requests that only a layer of more than 8 MiB needs.
	large bool
	// harmless are requests that can fail without a loss, or whose answers have
	// nothing to read.
	harmless bool
	// unchecked are requests with a name in the body that nothing protects: the
	// service cannot tell another name from the right one.
	unchecked bool
}

// faultyStores starts all stores.
func faultyStores(t *testing.T) []faultyStore {
	return []faultyStore{
		{"docker-registry", inRegistry(newRegistry(t, testregistry.Options{}).Addr), registryReads, registryWrites},
		{"olareg", inRegistry(testservers.NewOlareg(t)), registryReads, registryWrites},
		{"minio", inS3(testservers.NewMinIO(t)), objectReads, s3Writes},
		{"versitygw", inS3(testservers.NewVersityGW(t)), objectReads, s3Writes},
		{"azurite", inAzure(testservers.NewAzurite(t)), objectReads, azureWrites},
		{"actions v2", inActions("true"), actions2Reads, actions2Writes},
		{"actions v1", inActions(""), actions1Reads, actions1Writes},
	}
}

func inRegistry(addr string) func(*testing.T, string) faultyCache {
	return func(t *testing.T, row string) faultyCache {
		proxy := testfaults.New(t, addr)
		return faultyCache{direct: "type=registry,ref=" + addr + "/" + row, proxied: "type=registry,ref=" + proxy.Addr + "/" + row, proxy: proxy}
	}
}

func inS3(server *testservers.S3) func(*testing.T, string) faultyCache {
	return func(t *testing.T, row string) faultyCache {
		proxy := testfaults.New(t, server.URL)
		at := func(url string) string {
			return "type=s3,bucket=" + server.Bucket + ",use_path_style=true,region=" + server.Region + ",prefix=" + row + "/,name=main,endpoint_url=" + url
		}
		return faultyCache{direct: at(server.URL), proxied: at(proxy.URL), proxy: proxy,
			env: []string{"AWS_ACCESS_KEY_ID=" + server.AccessKey, "AWS_SECRET_ACCESS_KEY=" + server.SecretKey}}
	}
}

func inAzure(server *testservers.Azure) func(*testing.T, string) faultyCache {
	return func(t *testing.T, row string) faultyCache {
		proxy := testfaults.New(t, server.URL)
		at := func(url string) string {
			return "type=azblob,container=caches,prefix=" + row + "/,name=main,account_name=" + server.Account + ",account_url=" + url
		}
		proxied := proxy.URL + strings.TrimPrefix(server.URL, server.URL[:strings.LastIndex(server.URL, "/")])
		return faultyCache{direct: at(server.URL), proxied: at(proxied), proxy: proxy, env: []string{"AZURE_STORAGE_KEY=" + server.Key}}
	}
}

// inActions starts a service for each row: its answers name it.
func inActions(v2 string) func(*testing.T, string) faultyCache {
	return func(t *testing.T, row string) faultyCache {
		front := testactions.New(t, nil)
		j := newJob(t, front, testactions.Run{Repository: "team/app", Refs: mainRef}, v2)
		at := "type=gha,scope=" + row
		return faultyCache{direct: at, proxied: at, proxy: front.Faults, env: j.env}
	}
}

// The kinds of requests, by their methods and paths. The first blob that is read
// is the config.
var (
	registryReads = []requests{
		{name: "ping", method: http.MethodGet, path: `/v2/$`, harmless: true},
		{name: "manifest", method: http.MethodGet, path: `/manifests/`},
		{name: "config", method: http.MethodGet, path: configBlob},
		{name: "layer", method: http.MethodGet, path: layerBlob},
	}
	registryWrites = []requests{
		{name: "manifest read", method: http.MethodGet, path: `/manifests/`},
		{name: "layer looked for", method: http.MethodGet, path: layerBlob, harmless: true},
		{name: "upload opened", method: http.MethodPost, path: `/blobs/uploads/`},
		{name: "upload", method: http.MethodPatch, path: `/blobs/uploads/`},
		{name: "upload closed", method: http.MethodPut, path: `/blobs/uploads/`},
		{name: "manifest", method: http.MethodPut, path: `/manifests/`},
	}
	objectReads = []requests{
		{name: "manifest", method: http.MethodGet, path: `/manifests/`},
		{name: "config", method: http.MethodGet, path: configBlob},
		{name: "layer", method: http.MethodGet, path: layerBlob},
	}
	s3Writes = []requests{
		{name: "manifest read", method: http.MethodGet, path: `/manifests/`},
		{name: "blob", method: http.MethodPut, path: `/blobs/sha256:`},
		{name: "blob looked for", method: http.MethodHead, path: `/blobs/sha256:`},
		{name: "parts begun", method: http.MethodPost, path: `[?&]uploads`, large: true},
		{name: "part", method: http.MethodPut, path: `partNumber=`, large: true},
		{name: "parts ended", method: http.MethodPost, path: `uploadId=`, large: true},
		{name: "blob moved", method: http.MethodPut, path: `/blobs/sha256:.*CopyObject`, large: true},
		{name: "manifest", method: http.MethodPut, path: `/manifests/`},
	}
	azureWrites = []requests{
		{name: "manifest read", method: http.MethodGet, path: `/manifests/`},
		{name: "container", method: http.MethodPut, path: `restype=container`},
		{name: "blob", method: http.MethodPut, path: `/blobs/sha256:`},
		{name: "blob looked for", method: http.MethodHead, path: `/blobs/sha256:`},
		{name: "block", method: http.MethodPut, path: `comp=block(&|$)`, large: true},
		{name: "blocks ended", method: http.MethodPut, path: `comp=blocklist`, large: true},
		{name: "manifest", method: http.MethodPut, path: `/manifests/`},
	}
	actions2Reads = []requests{
		{name: "entry looked for", method: http.MethodPost, path: `GetCacheEntryDownloadURL`, unchecked: true},
		{name: "entry", method: http.MethodGet, path: `/blobs/`},
	}
	actions2Writes = []requests{
		{name: "entry reserved", method: http.MethodPost, path: `CreateCacheEntry`, unchecked: true},
		{name: "entry", method: http.MethodPut, path: `/blobs/`},
		{name: "entry closed", method: http.MethodPost, path: `FinalizeCacheEntryUpload`, unchecked: true},
		{name: "block", method: http.MethodPut, path: `comp=block(&|$)`, large: true},
		{name: "blocks ended", method: http.MethodPut, path: `comp=blocklist`, large: true},
	}
	actions1Reads = []requests{
		{name: "entry looked for", method: http.MethodGet, path: `artifactcache/cache`},
		{name: "entry", method: http.MethodGet, path: `/blobs/`},
	}
	actions1Writes = []requests{
		{name: "entry reserved", method: http.MethodPost, path: `artifactcache/caches$`, unchecked: true},
		{name: "entry", method: http.MethodPatch, path: `artifactcache/caches/`},
		{name: "entry closed", method: http.MethodPost, path: `artifactcache/caches/`},
	}
)

// Places of the blob that is the snapshot's config, and of all others.
const configBlob, layerBlob = "/blobs/CONFIG", "/blobs/LAYER"
