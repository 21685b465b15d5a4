package acceptance

import (
	"archive/zip"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestSpecialFiles builds sources that have what no image can have, and other
// things that are seldom met.
func TestSpecialFiles(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, map[string]string{"build-run": "find . -type p -o -type s -o -type b -o -type c | sed 's/^/special: /'; ls \"$(printf 'new\\nline')\"; stat -c %a set-uid"}, nil)
	at := func(name string) string { return filepath.Join(app.dir, name) }
	listener, err := net.Listen("unix", at("socket"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	for _, err := range []error{
		os.MkdirAll(at("tmp/"+strings.Repeat("deep/", 50)), 0o755),
		syscall.Mkfifo(at("tmp/server.pipe"), 0o644),
		syscall.Mknod(at("null"), syscall.S_IFCHR|0o666, 1<<8|3),
		syscall.Mknod(at("disk"), syscall.S_IFBLK|0o600, 7<<8),
		os.WriteFile(at("new\nline"), nil, 0o644),
		os.WriteFile(at("latin-\xfc"), nil, 0o644),
		os.WriteFile(at("set-uid"), nil, 0o755), os.Chmod(at("set-uid"), 0o755|fs.ModeSetuid),
		os.Symlink("nowhere", at("dangling")), os.Symlink("loop", at("loop")), os.Symlink("..", at("up")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	_, out := newMachine(t).build(reg.ref("app"), "--path", app.dir, "--builder", builder, "--trust-builder", "--publish")
	out.wantCode(t, 0)
	out.wantStderr(t, `Left out of the source: "disk" (a device), "null" (a device), "socket" (a socket), "tmp/server.pipe" (a named pipe)`, "run: new?line")
	out.wantNoStderr(t, "special: ./")

	path := filepath.Join(openDir(t), "app.zip")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	archive := zip.NewWriter(file)
	header := &zip.FileHeader{Name: "server.pipe"}
	header.SetMode(fs.ModeNamedPipe | 0o644)
	_, err = archive.CreateHeader(header)
	for _, err := range []error{err, archive.Close(), file.Close(), os.Chmod(path, 0o644)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	_, out = newMachine(t).build(reg.ref("zipped"), "--path", path, "--builder", builder, "--trust-builder", "--publish")
	out.wantCode(t, 0)
	out.wantStderr(t, `Left out of the source: "server.pipe" (a named pipe)`)
}
