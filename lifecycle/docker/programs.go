package docker

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/tarfile"
	"github.com/pack-cache/pack-cache/lifecycle/docker/inside"
)

// programs are what containers are started with, as a layer of the own image.
type programs struct {
	layer v1.Layer
	arch  string
}

// machines are the names that Docker has for processors.
var machines = map[elf.Machine]string{
	elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64", elf.EM_386: "386", elf.EM_ARM: "arm",
	elf.EM_RISCV: "riscv64", elf.EM_S390: "s390x", elf.EM_PPC64: "ppc64le",
}

// readPrograms reads the programs and checks that containers of a daemon can
// run them.
func readPrograms(config Config, arch string) (*programs, error) {
	init, err := readProgram(config.Init, arch)
	if err != nil {
		return nil, err
	}
	files := []tar.Header{
		{Typeflag: tar.TypeDir, Name: "tmp/", Mode: modeOf("tmp")},
		{Typeflag: tar.TypeDir, Name: relative(inside.ProgramDir) + "/", Mode: 0o755},
		{Typeflag: tar.TypeReg, Name: relative(inside.Init), Mode: 0o555, Size: int64(len(init))},
		{Typeflag: tar.TypeLink, Name: relative(inside.Own), Mode: 0o555, Linkname: relative(inside.Init)},
	}
	content := map[string][]byte{relative(inside.Init): init}
	if config.Executable != config.Init {
		own, err := readProgram(config.Executable, arch)
		if err != nil {
			return nil, err
		}
		files[3] = tar.Header{Typeflag: tar.TypeReg, Name: relative(inside.Own), Mode: 0o555, Size: int64(len(own))}
		content[relative(inside.Own)] = own
	}
	layer, err := layerOf(files, content)
	return &programs{layer, arch}, err
}

// relative is how a path is written in an archive of a root.
func relative(path string) string { return strings.TrimPrefix(path, "/") }

// ProgramEnv names an environment variable with the path of a pack-cache for
// the daemon's machine, where this one is for another.
const ProgramEnv = "PACK_CACHE_LINUX_BINARY"

// readProgram reads a program for containers on a processor. "" is the running
// one or, if that is not for them, the one that ProgramEnv names or that lies
// beside it as pack-cache-linux-ARCHITECTURE.
func readProgram(file, arch string) ([]byte, error) {
	if file != "" {
		return checkProgram(file, filepath.Base(file), arch)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	running := self
	if runtime.GOOS == "linux" {
		running = "/proc/self/exe" // even if another version is installed meanwhile
	}
	data, err := checkProgram(running, filepath.Base(self), arch)
	if err == nil {
		return data, nil
	}
	if named := os.Getenv(ProgramEnv); named != "" {
		return checkProgram(named, named, arch)
	}
	sibling := filepath.Join(filepath.Dir(self), "pack-cache-linux-"+arch)
	if _, missing := os.Stat(sibling); missing == nil {
		return checkProgram(sibling, sibling, arch)
	}
	return nil, hint.With(fmt.Sprintf("phases run in Linux containers, as pack-cache itself: put the program for linux/%s of the same release beside this one as %s, or name it in %s",
		arch, sibling, ProgramEnv), err)
}

// checkProgram reads a program that containers can run.
func checkProgram(file, name, arch string) ([]byte, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("program for containers: %w", err)
	}
	const remedy = "phases run in Linux containers; use a pack-cache that was built for them with CGO_ENABLED=0"
	program, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, hint.Errorf(remedy, "%s is not a program for Linux", name)
	}
	if made := machines[program.Machine]; made != arch {
		return nil, hint.Errorf(remedy, "%s is for %s, and the docker daemon runs on %s", name, made, arch)
	}
	for _, segment := range program.Progs {
		if segment.Type == elf.PT_INTERP {
			return nil, hint.Errorf(remedy, "%s is not statically linked", name)
		}
	}
	return data, nil
}

// layerOf makes a layer of files that belong to root. It is not compressed: a daemon
// on the same machine is the usual one.
func layerOf(files []tar.Header, content map[string][]byte) (v1.Layer, error) {
	return tarfile.Layer(types.DockerUncompressedLayer, files, content)
}
