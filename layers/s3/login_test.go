package s3

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/redact"
)

// environment leaves nothing of AWS in the environment but what is given, and no
// instance to ask.
func environment(t *testing.T, variables map[string]string) {
	t.Helper()
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for name, value := range variables {
		t.Setenv(name, value)
	}
}

// TestLogin finds keys where the SDK does.
func TestLogin(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil || r.Form.Get("WebIdentityToken") != "the-identity" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", "text/xml")
		w.Write([]byte(`<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>
			<AccessKeyId>web-id</AccessKeyId><SecretAccessKey>web-secret</SecretAccessKey><SessionToken>web-token</SessionToken><Expiration>2099-01-02T03:04:05Z</Expiration>
			</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`))
	}))
	defer tokens.Close()
	secret := redact.NewSecret
	for _, test := range []struct {
		name  string
		env   map[string]string
		given Keys
		want  Keys
		says  string
		hint  string
	}{
		{"environment", map[string]string{"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t", "AWS_REGION": "r"}, Keys{},
			Keys{AccessKeyID: "id", Secret: secret("s"), Token: secret("t"), Region: "r"}, "", ""},
		{"given", map[string]string{"AWS_ACCESS_KEY_ID": "other", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "other"}, Keys{AccessKeyID: "id", Secret: secret("g"), Region: "r"},
			Keys{AccessKeyID: "id", Secret: secret("g"), Region: "r"}, "", ""},
		{"another service", map[string]string{"AWS_ENDPOINT_URL_S3": "https://s3.example.com"}, Keys{AccessKeyID: "id", Secret: secret("g")},
			Keys{AccessKeyID: "id", Secret: secret("g"), Region: "us-east-1", Endpoint: "https://s3.example.com"}, "", ""},
		{"profile", map[string]string{"AWS_PROFILE": "p", "AWS_CONFIG_FILE": write("config", "[profile p]\nregion = pr\n"),
			"AWS_SHARED_CREDENTIALS_FILE": write("credentials", "[p]\naws_access_key_id = pid\naws_secret_access_key = ps\n")}, Keys{},
			Keys{AccessKeyID: "pid", Secret: secret("ps"), Region: "pr"}, "", ""},
		{"web identity", map[string]string{"AWS_ROLE_ARN": "arn:aws:iam::1:role/r", "AWS_WEB_IDENTITY_TOKEN_FILE": write("token", "the-identity"),
			"AWS_ENDPOINT_URL_STS": tokens.URL, "AWS_REGION": "r"}, Keys{},
			Keys{AccessKeyID: "web-id", Secret: secret("web-secret"), Token: secret("web-token"), Region: "r", Expires: time.Date(2099, 1, 2, 3, 4, 5, 0, time.UTC)}, "", ""},
		{"certificates", map[string]string{"AWS_CA_BUNDLE": write("ca.pem", "PEM")}, Keys{AccessKeyID: "id", Region: "r"}, Keys{}, "no AWS credentials", "AWS_CA_BUNDLE"},
		{"nothing", map[string]string{"AWS_REGION": "r"}, Keys{}, Keys{}, "no AWS credentials", "AWS_ACCESS_KEY_ID"},
		{"no region", nil, Keys{AccessKeyID: "id", Secret: secret("g")}, Keys{}, "no region", "AWS_REGION"},
		{"no profile", map[string]string{"AWS_PROFILE": "absent"}, Keys{}, Keys{}, "absent", "AWS_PROFILE"},
	} {
		t.Run(test.name, func(t *testing.T) {
			environment(t, test.env)
			got, err := Login(t.Context(), test.given)
			if test.says != "" {
				if !strings.Contains(err.Error(), test.says) || !strings.Contains(hint.Of(err), test.hint) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !got.Secret.Equal(test.want.Secret) || !got.Token.Equal(test.want.Token) || !got.Expires.Equal(test.want.Expires) ||
				got.AccessKeyID != test.want.AccessKeyID || got.Region != test.want.Region || got.Endpoint != test.want.Endpoint {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// TestRenew asks for other keys shortly before those that there are expire.
func TestRenew(t *testing.T) {
	t.Parallel()
	asked := 0
	p := &provider{
		first: Keys{AccessKeyID: "first", Expires: time.Now().Add(time.Hour)},
		renew: func(context.Context) (Keys, error) {
			asked++
			return Keys{AccessKeyID: "second", Expires: time.Now().Add(time.Hour)}, nil
		},
	}
	retrieve := func(want string) aws.Credentials {
		t.Helper()
		got, err := p.Retrieve(t.Context())
		if err != nil || got.AccessKeyID != want || !got.CanExpire {
			t.Errorf("got %s, %v, want %s", got.AccessKeyID, err, want)
		}
		return got
	}
	retrieve("first")
	p.first.Expires = time.Now().Add(time.Minute)
	retrieve("second")
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}
