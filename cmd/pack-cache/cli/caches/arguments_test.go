package caches

import (
	"testing"
)

func TestHide(t *testing.T) {
	t.Parallel()
	secret := secretAttributes()
	for arg, want := range map[string]string{
		"build": "build",
		"":      "",
		"type=s3,bucket=b,secret_access_key=abc,region=r":                `type=s3,bucket=b,secret_access_key=***,region=r`,
		"--import-cache=Secret_Access_Key=abc,type=s3":                   `--import-cache=Secret_Access_Key=***,type=s3`,
		`type=azblob,"connection_string=a=b;c,d",container=c`:            `type=azblob,"connection_string=*******",container=c`,
		"type=gha,token=abc,ghtoken=defg,scope=token":                    `type=gha,token=***,ghtoken=****,scope=token`,
		"type=registry,ref=registry.example.com/app?secret=no:not_token": `type=registry,ref=registry.example.com/app?secret=no:not_token`,
	} {
		got := []byte(arg)
		if hide(got, secret); string(got) != want {
			t.Errorf("%q became %q, want %q", arg, got, want)
		}
	}
}
