package testregistry

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// service is the name by which the registry and its token server know each
// other.
const service = "testregistry"

type object map[string]any

// writeConfig writes the registry's configuration and the files that it names,
// and returns its path. It is JSON, which is YAML too.
func (r *Registry) writeConfig(options Options) (string, error) {
	http := object{"addr": "127.0.0.1:0", "secret": rand.Text()}
	if r.ca != nil {
		cert, key, err := r.ca.issue(r.dir)
		if err != nil {
			return "", err
		}
		http["tls"] = object{"certificate": cert, "key": key}
	}
	config := object{
		"version": 0.1,
		"log":     object{"level": "info", "formatter": "json"},
		"storage": object{
			"filesystem":  object{"rootdirectory": r.Root()},
			"delete":      object{"enabled": options.Delete},
			"maintenance": object{"uploadpurging": object{"enabled": false}},
		},
		"http": http,
	}
	switch options.Auth {
	case Basic:
		file, err := r.writePasswords()
		if err != nil {
			return "", err
		}
		config["auth"] = object{"htpasswd": object{"realm": service, "path": file}}
	case Token:
		bundle := filepath.Join(r.dir, "token.pem")
		if err := os.WriteFile(bundle, r.tokens.signer.pem(), 0o644); err != nil {
			return "", err
		}
		config["auth"] = object{"token": object{
			"realm": r.tokens.realm, "service": service, "issuer": service, "rootcertbundle": bundle,
		}}
	}
	text, err := json.Marshal(config)
	if err != nil {
		return "", err
	}
	path := filepath.Join(r.dir, "config.yml")
	return path, os.WriteFile(path, text, 0o600)
}

// writePasswords writes the users as an htpasswd file. The cheapest hash will
// do: every request is checked against it.
func (r *Registry) writePasswords() (string, error) {
	var b strings.Builder
	for _, u := range r.users {
		hash, err := bcrypt.GenerateFromPassword([]byte(u.Password), bcrypt.MinCost)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%s:%s\n", u.Name, hash)
	}
	path := filepath.Join(r.dir, "htpasswd")
	return path, os.WriteFile(path, []byte(b.String()), 0o600)
}
