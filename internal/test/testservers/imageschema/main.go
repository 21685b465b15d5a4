// Command imageschema validates files against the JSON schemas of the OCI image
// specification, those of github.com/opencontainers/image-spec/schema. Its
// arguments are pairs of a media type and a file.
package main

import (
	"fmt"
	"os"

	"github.com/opencontainers/image-spec/schema"
)

func main() {
	if len(os.Args) < 3 || len(os.Args)%2 == 0 {
		fmt.Fprintln(os.Stderr, "usage: imageschema MEDIATYPE FILE …")
		os.Exit(2)
	}
	failed := false
	for i := 1; i < len(os.Args); i += 2 {
		if err := validate(os.Args[i], os.Args[i+1]); err != nil {
			fmt.Fprintf(os.Stderr, "%s (%s): %v\n", os.Args[i+1], os.Args[i], err)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}

func validate(mediaType, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return schema.Validator(mediaType).Validate(f)
}
