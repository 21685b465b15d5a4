// Command act is the cache service of act alone: github.com/nektos/act keeps the
// caches of workflows that it runs, with version 1 of GitHub's protocol.
//
// It listens at the address that it is given. Each POST starts a service of its
// own, with nothing in it, and answers with that service's URL.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/nektos/act/pkg/artifactcache"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: act ADDRESS DIRECTORY")
		os.Exit(2)
	}
	address, parent := os.Args[1], os.Args[2]
	err := http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			return
		}
		dir, err := os.MkdirTemp(parent, "cache-")
		if err == nil {
			var handler *artifactcache.Handler
			if handler, err = artifactcache.StartHandler(dir, "", "127.0.0.1", 0, nil); err == nil {
				io.WriteString(w, handler.ExternalURL()+"/")
				return
			}
		}
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}))
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
