// Command ociregistry is the registry of CUE, cuelabs.dev/go/oci/ociregistry, with
// its content in memory. It listens at the address that it is given.
package main

import (
	"fmt"
	"net/http"
	"os"

	"cuelabs.dev/go/oci/ociregistry/ocimem"
	"cuelabs.dev/go/oci/ociregistry/ociserver"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: ociregistry ADDRESS")
		os.Exit(2)
	}
	fmt.Fprintln(os.Stderr, http.ListenAndServe(os.Args[1], ociserver.New(ocimem.New(), nil)))
	os.Exit(1)
}
