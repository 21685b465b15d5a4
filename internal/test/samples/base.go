package samples

import (
	"fmt"
	"io/fs"

	"github.com/pack-cache/pack-cache/internal/test/samples/rootfs"
)

// addBase adds what every Unix expects: users, the directories for temporary
// and home files, how to look up names, and whom to trust on the network.
func addBase(f *rootfs.FS, o Options) {
	root := rootfs.Owner{}
	for _, dir := range []string{"dev", "etc", "mnt", "opt", "proc", "run", "srv", "sys", "usr", "var", "var/lib", "home"} {
		f.Dir(dir, 0o755, root)
	}
	f.Dir("root", 0o700, root)
	f.Dir("tmp", fs.ModeSticky|0o777, root)
	f.Dir("var/tmp", fs.ModeSticky|0o777, root)
	f.Dir("home/cnb", 0o755, o.user())
	text := func(name, content string) { f.File(name, 0o644, root, []byte(content)) }
	text("etc/passwd", fmt.Sprintf("root:x:0:0:root:/root:/bin/sh\ncnb:x:%d:%d:cnb:/home/cnb:/bin/sh\n"+
		"nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n", o.UID, o.GID))
	text("etc/group", fmt.Sprintf("root:x:0:\ncnb:x:%d:\nnogroup:x:65534:\n", o.GID))
	text("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
	text("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")
	f.File(certificateFile, 0o644, root, o.CACertificates)
}
