package kinds

import (
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// withoutClouds leaves nothing of AWS and Azure in the environment but what is
// given.
func withoutClouds(t *testing.T, variables map[string]string) {
	t.Helper()
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		for _, prefix := range []string{"AWS_", "AZURE_", "BUILDKIT_"} {
			if strings.HasPrefix(name, prefix) {
				t.Setenv(name, "")
				os.Unsetenv(name)
			}
		}
	}
	for name, value := range variables {
		t.Setenv(name, value)
	}
}

const connection = "AccountName=acc;AccountKey=a2V5"

// TestObjects reads caches in object stores: attributes, and the environment
// where they are missing.
func TestObjects(t *testing.T) {
	for _, test := range []struct {
		value   string
		env     map[string]string
		told    map[string]string
		label   string
		secrets map[string]string
	}{
		{"type=s3,bucket=b", nil,
			map[string]string{"type": "s3", "bucket": "b", "name": "r.example.com/app"}, "s3://b/:r.example.com/app", nil},
		{"type=s3,name=x;y,prefix=p/", map[string]string{"AWS_BUCKET": "eb", "AWS_REGION": "er", "AWS_RETRY_MODE": "adaptive", "AWS_MAX_ATTEMPTS": "7"},
			map[string]string{"type": "s3", "bucket": "eb", "region": "er", "name": "x;y", "prefix": "p/", "retry_mode": "adaptive", "retry_max_attempts": "7"}, "s3://eb/p/:x;y", nil},
		{"type=s3,bucket=b,region=r,name=n,blobs_prefix=B,manifests_prefix=M,endpoint_url=http://h:1,use_path_style=true,disable_accept_encoding=true,access_key_id=i,secret_access_key=hunter2,session_token=hunter3", nil,
			map[string]string{"type": "s3", "bucket": "b", "region": "r", "name": "n", "blobs_prefix": "B", "manifests_prefix": "M",
				"endpoint_url": "http://h:1", "use_path_style": "true", "disable_accept_encoding": "true"}, "http://h:1/b/:n",
			map[string]string{"access_key_id": "i", "secret_access_key": "hunter2", "session_token": "hunter3"}},
		{"type=azblob,account_url=https://acc.blob.example.com,secret_access_key=hunter2", nil,
			map[string]string{"type": "azblob", "account_url": "https://acc.blob.example.com", "account_name": "acc", "name": "r.example.com/app"}, "https://acc.blob.example.com/buildkit-cache/:r.example.com/app", map[string]string{"secret_access_key": "hunter2"}},
		{"type=azblob,name=n", map[string]string{"BUILDKIT_AZURE_STORAGE_ACCOUNT_NAME": "acc", "BUILDKIT_AZURE_STORAGE_CONTAINER": "c", "BUILDKIT_AZURE_STORAGE_PREFIX": "p/", "AZURE_STORAGE_SAS_TOKEN": "sig=hunter2"},
			map[string]string{"type": "azblob", "account_url": "https://acc.blob.core.windows.net", "account_name": "acc", "container": "c", "prefix": "p/", "name": "n"}, "https://acc.blob.core.windows.net/c/p/:n", map[string]string{"sas_token": "sig=hunter2"}},
		{"type=azblob,name=n", map[string]string{"AZURE_STORAGE_CONNECTION_STRING": connection},
			map[string]string{"type": "azblob", "account_url": "https://acc.blob.core.windows.net", "account_name": "acc", "name": "n"}, "https://acc.blob.core.windows.net/buildkit-cache/:n", map[string]string{"secret_access_key": "a2V5"}},
		{"type=azblob,name=n,account_name=mine", map[string]string{"AZURE_STORAGE_CONNECTION_STRING": connection, "AZURE_STORAGE_ACCOUNT": "other", "AZURE_STORAGE_KEY": "a2V5"},
			map[string]string{"type": "azblob", "account_url": "https://mine.blob.core.windows.net", "account_name": "mine", "name": "n"}, "https://mine.blob.core.windows.net/buildkit-cache/:n", nil},
	} {
		t.Run(test.value, func(t *testing.T) {
			withoutClouds(t, test.env)
			got, err := ReadImport(test.value, "r.example.com/app:1")
			if err != nil {
				t.Fatal(err)
			}
			maps.Copy(test.told, test.secrets)
			if diff := cmp.Diff(test.told, told(got.Location)); diff != "" || got.String() != test.label {
				t.Errorf("it is called %s\n%s", got, diff)
			}
			wantTravels(t, got.Location)
			if text := fmt.Sprintf("%+v %#v %s", got, got, got); strings.Contains(text, "hunter") {
				t.Errorf("it shows a secret: %s", text)
			}
		})
	}
}

func TestObjectsExport(t *testing.T) {
	withoutClouds(t, nil)
	got, err := ReadExport("type=s3,bucket=b,name=n,touch_refresh=0s,upload_parallelism=8", "")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"type": "s3", "bucket": "b", "name": "n", "touch_refresh": "0s", "upload_parallelism": "8"}
	if diff := cmp.Diff(want, told(got.Location)); diff != "" {
		t.Errorf("%+v\n%s", got, diff)
	}
}

func TestObjectsRefused(t *testing.T) {
	withoutClouds(t, nil)
	const azure = "type=azblob,account_url=https://acc.blob.example.com"
	for _, test := range []struct{ use, value, says, hint string }{
		{"import", "type=s3", "attribute bucket is missing", "or set AWS_BUCKET"},
		{"import", "type=s3,bucket=b,touch_refresh=1h", "attribute touch_refresh is for export only", "valid are: bucket"},
		{"export", "type=s3,bucket=b,name=a;;b", "a name is empty", "name=branch;main"},
		{"export", "type=s3,bucket=b,name=a;a", "a name is given twice", "once"},
		{"export", "type=s3,bucket=b,name=a/../b", `"a/../b" is not a name`, "between two /"},
		{"export", "type=s3,bucket=b,name=/a", `"/a" is not a name`, "between two /"},
		{"export", "type=s3,bucket=b,access_key_id=x", "belong together", "both"},
		{"export", "type=s3,bucket=b,session_token=x", "attribute session_token belongs to", "all three"},
		{"export", "type=s3,bucket=b,upload_parallelism=17", "upload_parallelism: 17", "1 to 16"},
		{"export", "type=s3,bucket=b,upload_parallelism=0", "upload_parallelism: 0", "1 to 16"},
		{"export", "type=s3,bucket=b,retry_max_attempts=-1", "retry_max_attempts: -1", "1 or more"},
		{"export", "type=s3,bucket=b,retry_mode=legacy", `retry_mode: there is no "legacy"`, "standard, adaptive"},
		{"export", "type=s3,bucket=b,endpoint_url=minio:9000", "endpoint_url is not a URL", "https://HOST"},
		{"export", "type=s3,bucket=b,endpoint_url=https://hunter2:x@h", "more than an address", "attributes of their own"},
		{"export", "type=s3,bucket=b,blobs_prefix=x,manifests_prefix=x", "are the same", "leave one of them out"},
		{"export", "type=azblob", "attribute account_url is missing", "BUILDKIT_AZURE_STORAGE_ACCOUNT_URL"},
		{"export", azure + ",secret_access_key=a,sas_token=b", "exclude each other", "leave one"},
		{"export", azure + "?sig=hunter2", "more than an address", "attributes of their own"},
		{"export", azure + ",connection_string=hunter2", "attribute connection_string: a part of", "access keys"},
		{"export", azure + ",connection_string=" + connection, "is for the account acc, not for https://acc.blob.example.com", "leave"},
		{"export", "type=azblob,sas_token=x,connection_string=" + connection, "has a key already", "leave the others out"},
	} {
		t.Run(test.value, func(t *testing.T) {
			var err error
			if test.use == "import" {
				_, err = ReadImport(test.value, "app")
			} else {
				_, err = ReadExport(test.value, "app")
			}
			wantRefused(t, err, test.says, test.hint)
			if strings.Contains(fmt.Sprintf("%+v", err), "hunter2") {
				t.Errorf("it repeats a secret: %v", err)
			}
		})
	}
}
