package samples

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"strings"
)

// sources is this package's own code and that of the packages below it. It is
// part of every key under which a layer is kept, so that no layer outlives the
// code that made it.
//
//go:embed *.go debian/*.go rootfs/*.go
var sources embed.FS

func sourceKey() string {
	sum := sha256.New()
	// An embedded file can always be read.
	_ = fs.WalkDir(sources, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, "_test.go") {
			return err
		}
		content, err := sources.ReadFile(name)
		sum.Write([]byte(name))
		sum.Write(content)
		return err
	})
	return hex.EncodeToString(sum.Sum(nil)[:12])
}

// digest identifies content in a key.
func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
