package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/paketo-buildpacks/packit/v2"
	"github.com/paketo-buildpacks/packit/v2/servicebindings"
)

func build(context packit.BuildContext) (result packit.BuildResult, err error) {
	downloads, err := download(context.Layers)
	if err != nil {
		return result, err
	}
	compiled, err := compile(context.Layers, filepath.Join(context.WorkingDir, "Main.java"), downloads.Path)
	if err != nil {
		return result, err
	}
	settings, err := configure(context)
	if err != nil {
		return result, err
	}
	result.Layers = []packit.Layer{downloads, compiled, settings}
	result.Build.SBOM = boms("what built it")
	result.Launch = packit.LaunchMetadata{
		Processes: []packit.Process{
			{Type: "web", Command: "java", Args: []string{filepath.Join(compiled.Path, "Main.class")}, Direct: true, Default: true},
			{Type: "task", Command: `echo "task: $GREETING, $BY_LAYER, $BY_APP"`},
		},
		Slices: []packit.Slice{{Paths: []string{"static/*"}}},
		Labels: map[string]string{"org.opencontainers.image.title": os.Getenv("BP_TITLE")},
		SBOM:   boms("what runs"),
	}
	return result, nil
}

// download keeps a file that takes long to get, in a layer for builds alone.
func download(layers packit.Layers) (packit.Layer, error) {
	layer, err := layers.Get("downloads")
	if err != nil {
		return layer, err
	}
	layer.Build, layer.Cache = true, true
	layer.BuildEnv.Override("DOWNLOADS", layer.Path)
	file := filepath.Join(layer.Path, "library")
	if _, err := os.Stat(file); err == nil {
		fmt.Println("web: the library is there already")
		return layer, nil
	}
	fmt.Println("web: the library is being downloaded")
	return layer, errors.Join(os.MkdirAll(layer.Path, 0o755), os.WriteFile(file, []byte("a library\n"), 0o644))
}

// compile keeps what the compiler of the buildpack before made of the source.
func compile(layers packit.Layers, source, library string) (packit.Layer, error) {
	layer, err := layers.Get("compiled")
	if err != nil {
		return layer, err
	}
	content, err := os.ReadFile(source)
	if err != nil {
		return layer, err
	}
	sum := sha256.Sum256(content)
	digest := hex.EncodeToString(sum[:])
	if layer.Metadata["source"] == digest {
		fmt.Println("web: the source is compiled already")
	} else {
		if layer, err = layer.Reset(); err != nil {
			return layer, err
		}
		javac := exec.Command("javac", "-cp", library, "-d", layer.Path, source)
		javac.Stdout, javac.Stderr = os.Stdout, os.Stderr
		if err := javac.Run(); err != nil {
			return layer, fmt.Errorf("%s: %w", javac, err)
		}
		layer.Metadata = map[string]any{"source": digest}
		layer.SBOM = boms("what was compiled")
	}
	layer.Launch, layer.Cache = true, true
	return layer, nil
}

// configure has what processes find when they start. The password of the binding
// is not in it.
func configure(context packit.BuildContext) (packit.Layer, error) {
	layer, err := context.Layers.Get("settings")
	if err != nil {
		return layer, err
	}
	if layer, err = layer.Reset(); err != nil {
		return layer, err
	}
	host := "nowhere"
	bindings, err := servicebindings.NewResolver().Resolve("postgresql", "", context.Platform.Path)
	if err != nil {
		return layer, err
	}
	for _, binding := range bindings {
		if host, err = binding.Entries["host"].ReadString(); err != nil {
			return layer, err
		}
		fmt.Printf("web: bound to %s of %s\n", binding.Name, binding.Provider)
	}
	layer.Launch = true
	layer.LaunchEnv.Default("DATABASE_HOST", host)
	layer.ExecD = []string{filepath.Join(context.CNBPath, "bin", "greet")}
	profile := filepath.Join(layer.Path, "profile.d")
	return layer, errors.Join(os.MkdirAll(profile, 0o755),
		os.WriteFile(filepath.Join(profile, "layer.sh"), []byte("export BY_LAYER=\"profile of the layer\"\n"), 0o644))
}
