package samples

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/test/samples/debian"
	"github.com/pack-cache/pack-cache/internal/test/samples/rootfs"
)

// javaHome is the JDK of the release, whatever its version.
const javaHome = "usr/lib/jvm/default-java"

// Java makes the builder java: Debian's OpenJDK and Maven, the stock lifecycle
// and the buildpack samples/java-maven. Its run image has a shell, the usual
// tools and the libraries that Java needs, but no Java: that comes with the
// application, in the buildpack's layer jdk.
func Java(ctx context.Context, options Options) (*Builder, error) {
	release, err := hostRelease()
	if err != nil {
		return nil, err
	}
	o, err := options.complete(release)
	if err != nil {
		return nil, err
	}
	trustStore, err := javaTrustStore(o.CACertificates)
	if err != nil {
		return nil, err
	}
	lifecycle, err := stockLifecycle(ctx, o)
	if err != nil {
		return nil, err
	}
	pkgs, err := getJavaPackages(ctx, o)
	if err != nil {
		return nil, err
	}
	base, err := pkgs.baseLayer(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("assemble the base of the java builder: %w", err)
	}
	jdk, err := pkgs.jdkLayer(ctx, o, trustStore)
	if err != nil {
		return nil, fmt.Errorf("assemble the JDK of the java builder: %w", err)
	}
	b, err := readBuildpack("java/java-maven", false)
	if err != nil {
		return nil, err
	}
	return recipe{
		Options: o, description: "OpenJDK and Maven of " + release.DistroName + " " + release.DistroVersion,
		stackID: "pack-cache.samples.java", path: "/usr/local/bin:/usr/bin:/bin",
		base: []v1.Layer{base, jdk}, runBase: []v1.Layer{base},
		lifecycle: lifecycle, buildpacks: []buildpack{b},
	}.assemble(ctx)
}

// javaPackages are the packages of the two layers.
type javaPackages struct{ base, jdk []debian.Package }

func getJavaPackages(ctx context.Context, o Options) (p javaPackages, err error) {
	cache := o.packages()
	p.base, err = cache.Closure(ctx, "base-files", "bash", "coreutils", "dash", "findutils", "grep", "libc-bin",
		"libgcc-s1", "libstdc++6", "mawk", "sed", "zlib1g")
	if err != nil {
		return p, err
	}
	p.jdk, err = cache.Closure(ctx, "default-jdk-headless", "maven")
	p.jdk = slices.DeleteFunc(p.jdk, func(pkg debian.Package) bool { return slices.Contains(p.base, pkg) })
	return p, err
}

// wanted leaves out what nobody reads in an image, and the JDK's module files
// and sources, which only jlink and debuggers need: a third of its size.
func wanted(name string) bool {
	for _, dir := range []string{"usr/share/doc/", "usr/share/man/", "usr/share/info/", "usr/share/lintian/",
		"usr/share/locale/", "usr/share/bug/", "usr/share/bash-completion/", "etc/skel/", "etc/cron"} {
		if strings.HasPrefix(name+"/", dir) {
			return false
		}
	}
	jvm, inJVM := strings.CutPrefix(name, "usr/lib/jvm/")
	return !inJVM || !strings.Contains(jvm+"/", "/jmods/") && !strings.HasSuffix(jvm, "src.zip") && !strings.Contains(jvm, "/man/")
}

func (p javaPackages) baseLayer(ctx context.Context, o Options) (v1.Layer, error) {
	key := fmt.Sprint("java base ", p.base, o.UID, o.GID, sourceKey(), digest(o.CACertificates))
	return o.layers().Layer(ctx, key, func(fs *rootfs.FS, spool *rootfs.Spool) error {
		if err := o.packages().Unpack(ctx, fs, spool, p.base, wanted); err != nil {
			return err
		}
		debian.Merge(fs)
		addBase(fs, o)
		// What maintainer scripts and alternatives would have linked.
		link(fs, "usr/bin/sh", "dash")
		link(fs, "usr/bin/awk", "mawk")
		link(fs, "var/run", "/run")
		return nil
	})
}

func (p javaPackages) jdkLayer(ctx context.Context, o Options, trustStore []byte) (v1.Layer, error) {
	key := fmt.Sprint("java jdk ", p.jdk, sourceKey(), digest(trustStore))
	return o.layers().Layer(ctx, key, func(fs *rootfs.FS, spool *rootfs.Spool) error {
		if err := o.packages().Unpack(ctx, fs, spool, p.jdk, wanted); err != nil {
			return err
		}
		fs.File("etc/ssl/certs/java/cacerts", 0o644, rootfs.Owner{}, trustStore)
		// default-java is a link to a link.
		home := javaHome
		for target, ok := fs.Readlink(home); ok; target, ok = fs.Readlink(home) {
			home = path.Join(path.Dir(home), target)
		}
		tools := fs.List(home + "/bin")
		if len(tools) == 0 {
			return fmt.Errorf("the packages have no programs in /%s/bin", home)
		}
		for _, tool := range tools {
			link(fs, "usr/bin/"+tool, "/"+javaHome+"/bin/"+tool)
		}
		link(fs, "usr/bin/mvn", "/usr/share/maven/bin/mvn")
		return nil
	})
}

// link adds a symbolic link unless a package brings something of that name.
func link(fs *rootfs.FS, name, target string) {
	if !fs.Has(name) {
		fs.Symlink(name, target)
	}
}
