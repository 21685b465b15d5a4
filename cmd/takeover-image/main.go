// Takeover-image makes the image that the engine takeover works in, from a
// pack-cache for Linux: as an archive that `docker load` reads, or as a directory
// with an OCI layout.
package main

import (
	"bytes"
	"debug/elf"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/pack-cache/pack-cache/lifecycle/inplace/takeoverimage"
)

func main() {
	var o options
	flag.StringVar(&o.program, "program", "", "statically linked pack-cache for Linux")
	flag.StringVar(&o.certificates, "certificates", "/etc/ssl/certs/ca-certificates.crt", "PEM file with the authorities that pack-cache is to believe")
	flag.StringVar(&o.version, "version", "dev", "version of the program")
	flag.StringVar(&o.archive, "archive", "", "file for `docker load`")
	flag.StringVar(&o.layout, "layout", "", "directory with an OCI layout")
	flag.StringVar(&o.tag, "tag", "pack-cache/takeover:dev", "name of the image in the archive")
	flag.Parse()
	if err := o.make(); err != nil {
		fmt.Fprintln(os.Stderr, "takeover-image:", err)
		os.Exit(1)
	}
}

type options struct{ program, certificates, version, archive, layout, tag string }

func (o options) make() error {
	program, err := os.ReadFile(o.program)
	if err != nil {
		return err
	}
	architecture, err := architectureOf(program)
	if err != nil {
		return fmt.Errorf("%s: %w", o.program, err)
	}
	certificates, err := os.ReadFile(o.certificates)
	if err != nil {
		return err
	}
	img, err := takeoverimage.New(takeoverimage.Content{
		Program: program, Certificates: certificates, Version: o.version, Architecture: architecture,
	})
	if err != nil {
		return err
	}
	if err := o.writeArchive(img); err != nil {
		return err
	}
	return o.writeLayout(img)
}

func (o options) writeArchive(img v1.Image) error {
	if o.archive == "" {
		return nil
	}
	tag, err := name.NewTag(o.tag)
	if err != nil {
		return err
	}
	return tarball.WriteToFile(o.archive, tag, img)
}

func (o options) writeLayout(img v1.Image) error {
	if o.layout == "" {
		return nil
	}
	if err := os.RemoveAll(o.layout); err != nil {
		return err
	}
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: img})
	_, err := layout.Write(o.layout, index)
	return err
}

// architectureOf names the processor of a static program as Go does.
func architectureOf(program []byte) (string, error) {
	file, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		return "", errors.New("not a program for Linux")
	}
	for _, segment := range file.Progs {
		if segment.Type == elf.PT_INTERP {
			return "", errors.New("not statically linked: build it with CGO_ENABLED=0")
		}
	}
	architecture, known := map[elf.Machine]string{elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64"}[file.Machine]
	if !known {
		return "", fmt.Errorf("no image is made for %s", file.Machine)
	}
	return architecture, nil
}
