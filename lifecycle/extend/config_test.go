package extend

import (
	"archive/tar"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"

	"github.com/pack-cache/pack-cache/lifecycle"
)

// images returns a run image and what two Dockerfiles have made of it, one layer
// each, with the configs of all three.
func images(t *testing.T, change func(after []*v1.ConfigFile)) (base, made v1.Image, configs []*v1.ConfigFile) {
	t.Helper()
	base, err := random.Image(64, 2)
	if err != nil {
		t.Fatal(err)
	}
	if base, err = mutate.Config(base, v1.Config{User: "1000:1000", Labels: map[string]string{"kept": "yes"}}); err != nil {
		t.Fatal(err)
	}
	made = base
	for i := range 3 {
		if i > 0 {
			layer, err := random.Layer(64, "application/vnd.oci.image.layer.v1.tar")
			if err != nil {
				t.Fatal(err)
			}
			if made, err = mutate.AppendLayers(made, layer); err != nil {
				t.Fatal(err)
			}
		}
		config, err := made.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		configs = append(configs, config.DeepCopy())
	}
	change(configs[1:])
	if made, err = mutate.Config(made, configs[2].Config); err != nil {
		t.Fatal(err)
	}
	return base, made, configs
}

var two = []lifecycle.Dockerfile{{Extension: "acme/first"}, {Extension: "acme/second"}}

func TestRunImage(t *testing.T) {
	t.Parallel()
	label := func(values ...string) func([]*v1.ConfigFile) {
		return func(after []*v1.ConfigFile) {
			for i, value := range values {
				after[i].Config.Labels = map[string]string{"kept": "yes", "io.buildpacks.rebasable": value, "io.buildah.version": "1"}
				after[i].Config.Image = "sha256:parent"
			}
		}
	}
	for name, test := range map[string]struct {
		change    func([]*v1.ConfigFile)
		rebasable string
	}{
		"all rebasable": {label("true", "true"), "true"},
		"one is not":    {label("false", "true"), "false"},
		"not said":      {func([]*v1.ConfigFile) {}, "false"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base, made, configs := images(t, test.change)
			img, err := RunImage(base, made, two, configs)
			if err != nil {
				t.Fatal(err)
			}
			config, err := img.ConfigFile()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(map[string]string{"kept": "yes", "io.buildpacks.rebasable": test.rebasable}, config.Config.Labels); diff != "" {
				t.Errorf("labels (-want +got):\n%s", diff)
			}
			if config.Config.Image != "" {
				t.Error("the config tells what the image was made of")
			}
			var from []string
			for _, h := range config.History[2:] {
				from = append(from, h.CreatedBy)
			}
			want := []string{"Layer: 'Dockerfile', Created by extension: acme/first", "Layer: 'Dockerfile', Created by extension: acme/second"}
			if diff := cmp.Diff(want, from); diff != "" {
				t.Errorf("history (-want +got):\n%s", diff)
			}
			if blobs := layoutBlobs(t, img); blobs != 4 {
				t.Errorf("the layout has %d blobs, not manifest, config and two layers", blobs)
			}
		})
	}
}

// layoutBlobs counts the blobs of the layout of an image with two lower layers.
func layoutBlobs(t *testing.T, img v1.Image) int {
	t.Helper()
	read, write := io.Pipe()
	go func() {
		archive := tar.NewWriter(write)
		write.CloseWithError(errors.Join(Layout(img, 2)(t.Context(), archive), archive.Close()))
	}()
	count := 0
	for entries := tar.NewReader(read); ; {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return count
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(header.Name, "/blobs/sha256/") {
			count++
		}
	}
}

func TestRootIsRefused(t *testing.T) {
	t.Parallel()
	base, made, configs := images(t, func(after []*v1.ConfigFile) {
		after[0].Config.User, after[1].Config.User = "root", "root"
	})
	if _, err := RunImage(base, made, two, configs); err == nil {
		t.Error("an app image would run as root")
	}
	if got := Users("run", two, configs); len(got) != 1 || !strings.Contains(got[0], "acme/first changes the user of the image from \"1000\" to root") {
		t.Errorf("warnings: %q", got)
	}
}
