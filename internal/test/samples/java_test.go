package samples_test

import (
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/samples"
)

func TestJavaBuilder(t *testing.T) {
	t.Parallel()
	r, _ := clone(t, images.javaBuild)

	t.Run("programs", func(t *testing.T) {
		for _, test := range []struct {
			command []string
			want    string
		}{
			{[]string{"java", "-version"}, "openjdk version"},
			{[]string{"javac", "-version"}, "javac "},
			{[]string{"mvn", "-version"}, "Apache Maven 3."},
			{[]string{"sh", "-c", "echo one two | awk '{print $2}' | sed s/two/three/ | grep three"}, "three"},
			{[]string{"/usr/bin/env", "bash", "-c", "echo ${BASH_VERSION%%.*}"}, "5"},
			{[]string{"id", "-un"}, "cnb"},
		} {
			if out, err := r.run(t, nil, test.command...); err != nil || !strings.Contains(out, test.want) {
				t.Errorf("%v: %v\n%s", test.command, err, out)
			}
		}
	})

	t.Run("trust store", func(t *testing.T) {
		certificates := 0
		for rest := []byte(r.read(t, "etc/ssl/certs/ca-certificates.crt")); ; certificates++ {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				break
			}
		}
		out := r.mustRun(t, nil, "keytool", "-list", "-cacerts", "-storepass", "changeit")
		if want := fmt.Sprintf("contains %d entr", certificates); !strings.Contains(out, want) {
			t.Errorf("Java's trust store lacks something (want %q)\n%s", want, out)
		}
	})

	t.Run("detect", func(t *testing.T) {
		if out, err := r.phase(t, "detector"); err == nil || !strings.Contains(out, "fail: samples/java-maven") {
			t.Errorf("without pom.xml: %v\n%s", err, out)
		}
		r.write(t, "workspace/pom.xml", "<project/>")
		if out, err := r.phase(t, "detector"); err != nil {
			t.Errorf("with pom.xml: %v\n%s", err, out)
		}
	})
}

// TestJavaLayer has the buildpack make its jdk layer, which must work where
// nothing else of Java is: in the run image.
func TestJavaLayer(t *testing.T) {
	t.Parallel()
	r, _ := clone(t, images.javaBuild)
	run, _ := clone(t, images.javaRun)
	r.write(t, "workspace/pom.xml", "<project/>") // Maven refuses it, after the layer is made
	if out, err := r.phase(t, "detector"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := r.phase(t, "builder")
	if err == nil || !strings.Contains(out, "jdk: copying openjdk") || !strings.Contains(out, "maven_m2: 0 artifacts downloaded") {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, _ = r.phase(t, "builder"); !strings.Contains(out, "jdk: reusing the layer") || !strings.Contains(out, "maven_m2: starting with 0 files") {
		t.Errorf("the second build does not reuse what the first made:\n%s", out)
	}
	const jdk = "layers/samples_java-maven/jdk"
	if err := os.CopyFS(filepath.Join(run.dir, jdk), os.DirFS(filepath.Join(r.dir, jdk))); err != nil {
		t.Fatal(err)
	}
	if out := run.mustRun(t, nil, "/"+jdk+"/bin/java", "-version"); !strings.Contains(out, "openjdk version") {
		t.Error(out)
	}
	if out := run.mustRun(t, nil, "/"+jdk+"/bin/keytool", "-list", "-cacerts", "-storepass", "changeit"); !strings.Contains(out, "trustedCertEntry") {
		t.Error(out)
	}
	if out, err := run.run(t, nil, "java", "-version"); err == nil {
		t.Errorf("the run image has a Java of its own: %s", out)
	}
}

// TestJavaSize holds that the builder stays free of what nobody needs.
func TestJavaSize(t *testing.T) {
	t.Parallel()
	size := func(image pristine) (size int64) {
		_, headers, err := image()
		if err != nil {
			t.Fatal(err)
		}
		for name, h := range headers {
			size += h.Size
			if strings.Contains(name, "/jmods/") || strings.HasPrefix(name, "usr/share/doc/") {
				t.Errorf("%s is in the image", name)
			}
		}
		return size >> 20
	}
	build, run := size(images.javaBuild), size(images.javaRun)
	if build > 400 || run > 60 {
		t.Errorf("builder %d MB, run image %d MB", build, run)
	}
}

func TestCertificatesMustBeThere(t *testing.T) {
	t.Parallel()
	_, err := samples.Java(t.Context(), samples.Options{RunImage: "run", CACertificates: []byte("no PEM")})
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v", err)
	}
}
