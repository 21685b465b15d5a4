package samples

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// javaPrograms are shell scripts that say what Java would do.
var javaPrograms = map[string]string{
	"java":  "#!/bin/sh\necho \"java: JAVA_HOME=$JAVA_HOME\"\necho \"java: JAVA_TOOL_OPTIONS=$JAVA_TOOL_OPTIONS\"\necho \"java: GREETING=$GREETING\"\ncat \"$@\"\n",
	"javac": "#!/bin/sh\n# javac -version, or javac -cp DIR -d DIR FILE\n[ \"$1\" = -version ] && echo javac 17.0.9 && exit\necho \"javac: $5 in $JAVA_HOME\"\n(echo compiled with; cat \"$2/library\" \"$5\") >\"$4/Main.class\"\n",
}

// JavaStandIns writes two archives into dir that stand in for a JDK and a JRE, as
// vendors lay them out: a trust store, the security providers, and programs that
// say what Java would do. Buildpacks handle them as the real ones, in a hundredth
// of the time.
func JavaStandIns(dir string) (jdk, jre string, err error) {
	o, err := (Options{}).complete(Target{})
	if err != nil {
		return "", "", err
	}
	trustStore, err := javaTrustStore(o.CACertificates)
	if err != nil {
		return "", "", err
	}
	files := map[string]string{
		"java/bin/java": javaPrograms["java"], "java/lib/security/cacerts": string(trustStore),
		"java/conf/security/java.security": "security.provider.1=SUN\nsecurity.provider.2=SunJCE\n",
	}
	jre = filepath.Join(dir, "jre.tar.gz")
	if err := writeArchive(jre, files); err != nil {
		return "", "", err
	}
	files["java/bin/javac"] = javaPrograms["javac"]
	jdk = filepath.Join(dir, "jdk.tar.gz")
	return jdk, jre, writeArchive(jdk, files)
}

// writeArchive writes files by their path, sorted, into a .tar.gz; those in a
// directory bin can be executed.
func writeArchive(path string, files map[string]string) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	zipped := gzip.NewWriter(file)
	to := tar.NewWriter(zipped)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		mode := int64(0o644)
		if filepath.Base(filepath.Dir(name)) == "bin" {
			mode = 0o755
		}
		if err := to.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(files[name]))}); err != nil {
			return err
		}
		if _, err := to.Write([]byte(files[name])); err != nil {
			return err
		}
	}
	return errors.Join(to.Close(), zipped.Close())
}
