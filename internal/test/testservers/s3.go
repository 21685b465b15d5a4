package testservers

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testweb"
)

// S3 is a running server that speaks S3. One bucket is there already.
type S3 struct {
	// URL is the endpoint.
	URL, Region, Bucket string
	// AccessKey and SecretKey may do everything.
	AccessKey, SecretKey string
	// Dir has the bucket as a directory.
	Dir string
	// CAFile has what clients of a server with TLS have to trust.
	CAFile string
}

func newS3(t testing.TB) *S3 {
	s := &S3{
		URL: "http://" + FreeAddress(t), Region: "us-east-1", Bucket: "caches",
		AccessKey: "test-access-key", SecretKey: "test-secret-access-key", Dir: t.TempDir(),
	}
	if err := os.Mkdir(filepath.Join(s.Dir, s.Bucket), 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *S3) address() string {
	_, address, _ := strings.Cut(s.URL, "://")
	return address
}

// NewMinIO starts MinIO for a test.
func NewMinIO(t testing.TB) *S3 {
	t.Helper()
	program := Find(t, "minio")
	s := newS3(t)
	startMinIO(t, program, s, testweb.Client(t))
	return s
}

// NewMinIOWithTLS starts MinIO for a test, with a certificate that no system
// trusts.
func NewMinIOWithTLS(t testing.TB) *S3 {
	t.Helper()
	program := Find(t, "minio")
	s, c := newS3(t), newCertificate(t)
	s.URL, s.CAFile = "https://"+s.address(), c.CertFile
	startMinIO(t, program, s, c.client, "--certs-dir", filepath.Dir(c.CertFile))
	return s
}

func startMinIO(t testing.TB, program string, s *S3, client *http.Client, more ...string) {
	t.Helper()
	Start(t, Command{
		Path: program, Args: append([]string{"server", "--quiet", "--address", s.address(), s.Dir}, more...), Dir: t.TempDir(),
		Env:   []string{"MINIO_ROOT_USER=" + s.AccessKey, "MINIO_ROOT_PASSWORD=" + s.SecretKey, "MINIO_UPDATE=off", "MINIO_BROWSER=off"},
		Ready: Answers(client, s.URL+"/minio/health/ready"),
	})
}

// NewVersityGW starts the Versity S3 gateway for a test, which keeps objects as
// files.
func NewVersityGW(t testing.TB) *S3 {
	t.Helper()
	program := Find(t, "versitygw")
	s := newS3(t)
	Start(t, Command{
		Path: program, Dir: t.TempDir(),
		Args:  []string{"--quiet", "--port", s.address(), "posix", "--sidecar", t.TempDir(), s.Dir},
		Env:   []string{"ROOT_ACCESS_KEY=" + s.AccessKey, "ROOT_SECRET_KEY=" + s.SecretKey},
		Ready: Answers(testweb.Client(t), s.URL+"/"),
	})
	return s
}
