package s3

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/internal/test/testran"
	"github.com/pack-cache/pack-cache/internal/test/testservers"
	"github.com/pack-cache/pack-cache/internal/test/testwait"
	"github.com/pack-cache/pack-cache/internal/test/testweb"
	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/objects"
	"github.com/pack-cache/pack-cache/layers/objects/objectstest"
	"github.com/pack-cache/pack-cache/layers/storetest"
)

// TestContract has the store pass with servers of two makes.
func TestContract(t *testing.T) {
	t.Parallel()
	t.Run("MinIO", func(t *testing.T) {
		t.Parallel()
		server := testservers.NewMinIO(t)
		contractOf(t, "MinIO", testran.Module(t, "minio", "github.com/minio/minio"))
		reader := assumeReader(t, server)
		o := options(t, server)
		o.Secrets = append(o.Secrets, reader.Secret.Reveal(), reader.Token.Reveal())
		o.ReadOnly, o.Compares = reopen(reader), true
		storetest.Run(t, opener(server), o)
	})
	t.Run("VersityGW", func(t *testing.T) {
		t.Parallel()
		server := testservers.NewVersityGW(t)
		contractOf(t, "Versity's gateway", testran.Module(t, "versitygw", "github.com/versity/versitygw"))
		storetest.Run(t, opener(server), options(t, server))
	})
}

// contractOf says what the contract runs against.
func contractOf(t *testing.T, peer, version string) {
	t.Helper()
	testran.Against(t, testran.Row{Subject: "Object stores", Peer: peer, Version: version, Done: "the contract of stores"})
}

// keysOf are those of somebody who may do everything.
func keysOf(server *testservers.S3) Keys {
	return Keys{AccessKeyID: server.AccessKey, Secret: redact.NewSecret(server.SecretKey), Region: server.Region, Endpoint: server.URL}
}

// configOf is a store below a prefix.
func configOf(server *testservers.S3, prefix string) Config {
	return Config{
		Bucket: server.Bucket, Prefix: prefix, BlobsPrefix: "blobs/", ManifestsPrefix: "manifests/",
		PathStyle: true, Rule: web.Rule{Attempts: 8}, Keys: keysOf(server),
	}
}

func newStore(t *testing.T, config Config) *objects.Store {
	t.Helper()
	s, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// opener opens a store below a prefix of its own, one that has to be escaped.
func opener(server *testservers.S3) func(*testing.T) layers.Store {
	var count atomic.Int64
	return func(t *testing.T) layers.Store {
		return newStore(t, configOf(server, fmt.Sprintf("team a+b/%d/", count.Add(1))))
	}
}

func options(t *testing.T, server *testservers.S3) storetest.Options {
	wrong := keysOf(server)
	wrong.Secret = redact.NewSecret("wrong-secret-access-key")
	return storetest.Options{
		Large:   17 << 20,
		Secrets: []string{server.SecretKey, wrong.Secret.Reveal()},
		Reopen:  reopen(keysOf(server)),
		Damage:  objectstest.Damager(serviceOf(t, server), server.URL),
		Denied:  reopen(wrong),
	}
}

// serviceOf is the service behind the stores of a server.
func serviceOf(t *testing.T, server *testservers.S3) *service {
	t.Helper()
	client, err := newClient(configOf(server, ""))
	if err != nil {
		t.Fatal(err)
	}
	return &service{client: client, bucket: server.Bucket, maxCopy: maxCopy, copyPart: copyPart}
}

// reopen opens a store once more, with other keys.
func reopen(keys Keys) func(*testing.T, layers.Store) layers.Store {
	return func(t *testing.T, s layers.Store) layers.Store {
		bucket, prefix, _ := strings.Cut(strings.TrimPrefix(s.String(), keys.Endpoint+"/"), "/")
		return newStore(t, Config{
			Bucket: bucket, Prefix: prefix, BlobsPrefix: "blobs/", ManifestsPrefix: "manifests/",
			PathStyle: true, Rule: web.Rule{Attempts: 8}, Keys: keys,
		})
	}
}

// assumeReader asks MinIO for temporary keys of somebody who may only read.
func assumeReader(t *testing.T, server *testservers.S3) Keys {
	t.Helper()
	client := sts.New(sts.Options{
		Region: server.Region, BaseEndpoint: aws.String(server.URL), HTTPClient: testweb.Client(t),
		Credentials: credentials.NewStaticCredentialsProvider(server.AccessKey, server.SecretKey, ""),
	})
	in := &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::123456789012:role/reader"), RoleSessionName: aws.String("reader"),
		Policy: aws.String(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
			"Action": ["s3:GetObject", "s3:ListBucket"], "Resource": ["arn:aws:s3:::*"]}]}`),
	}
	var out *sts.AssumeRoleOutput
	var err error
	testwait.Eventually(t, "the server knows nobody but root", func() bool {
		out, err = client.AssumeRole(t.Context(), in)
		return err == nil || !strings.Contains(err.Error(), "Server not initialized")
	})
	if err != nil {
		t.Fatal(err)
	}
	return Keys{
		AccessKeyID: aws.ToString(out.Credentials.AccessKeyId), Secret: redact.NewSecret(aws.ToString(out.Credentials.SecretAccessKey)),
		Token: redact.NewSecret(aws.ToString(out.Credentials.SessionToken)), Region: server.Region, Endpoint: server.URL,
	}
}
