package gha

import (
	"encoding/base64"
	"encoding/json"
	"testing"
)

// FuzzMayWrite reads any token, and those whose claims are anything.
func FuzzMayWrite(f *testing.F) {
	for _, claims := range []string{`{"ac":"[{\"Scope\":\"refs/heads/main\",\"Permission\":3}]"}`, `{"ac":"[{\"Permission\":1}]"}`, `{"ac":"[]"}`, `{"ac":1}`, `{}`, ``} {
		f.Add("header."+base64.RawURLEncoding.EncodeToString([]byte(claims))+".signature", claims, 3)
	}
	f.Add("a.=.b", "..", 0)
	f.Fuzz(func(t *testing.T, token, claims string, permission int) {
		mayWrite(token)
		of := func(claims string) bool {
			return mayWrite("e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln")
		}
		of(claims)
		scopes, err := json.Marshal([]map[string]any{{"Scope": claims, "Permission": permission}})
		if err != nil {
			t.Fatal(err)
		}
		whole, err := json.Marshal(map[string]string{"ac": string(scopes)})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := of(string(whole)), permission&2 != 0; got != want {
			t.Errorf("%s: may write %v, want %v", whole, got, want)
		}
	})
}
