package main

import (
	"bytes"
	"encoding/hex"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/pack-cache/pack-cache/lifecycle/enginetest/report"
)

// maxRead is how much of a file a scan looks at.
const maxRead = 4 << 20

// scanner looks everywhere for a secret.
type scanner struct {
	secret   []byte
	findings []report.Finding
}

// scan looks for a secret, given in hexadecimal digits so that the search does
// not find itself, in all that a process can reach: environments, arguments,
// memory and open files of all processes, files, and sockets. More arguments
// name directories to search instead of the whole root.
func scan(args []string) []report.Finding {
	secret, err := hex.DecodeString(args[0])
	if err != nil || len(secret) < 8 {
		fail("no secret to look for")
	}
	s := &scanner{secret: secret, findings: []report.Finding{}}
	for _, entry := range os.Environ() {
		s.look("own environment", []byte(entry))
	}
	s.processes()
	tops := args[1:]
	if len(tops) == 0 {
		tops = []string{"/"}
	}
	for _, top := range tops {
		s.files(top)
	}
	s.sockets()
	return s.findings
}

func (s *scanner) look(where string, data []byte) {
	if bytes.Contains(data, s.secret) {
		s.findings = append(s.findings, report.Finding{Where: where, What: "the secret"})
	}
}

func (s *scanner) file(path string) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer f.Close()
	// Pipes and terminals would keep the scan waiting.
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return
	}
	data, _ := io.ReadAll(io.LimitReader(f, maxRead))
	s.look(path, data)
}

// processes looks at what /proc says about every process.
func (s *scanner) processes() {
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		dir := filepath.Join("/proc", entry.Name())
		if strings.Trim(entry.Name(), "0123456789") != "" && entry.Name() != "self" {
			continue
		}
		for _, name := range []string{"environ", "cmdline", "comm", "mountinfo", "cgroup"} {
			s.file(filepath.Join(dir, name))
		}
		for _, link := range []string{"cwd", "root", "exe"} {
			if target, err := os.Readlink(filepath.Join(dir, link)); err == nil {
				s.look(dir+"/"+link, []byte(target))
			}
		}
		s.descriptors(dir)
		s.other(dir)
	}
}

// descriptors looks at, and through, the open files of a process.
func (s *scanner) descriptors(dir string) {
	open, _ := os.ReadDir(filepath.Join(dir, "fd"))
	for _, fd := range open {
		path := filepath.Join(dir, "fd", fd.Name())
		target, err := os.Readlink(path)
		if err != nil {
			continue
		}
		s.look(path, []byte(target))
		if strings.HasPrefix(target, "/") || strings.HasPrefix(target, "/memfd:") {
			s.file(path)
		}
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			s.files(path + "/")
		}
	}
}

// other notes rights over a process that is not this one.
func (s *scanner) other(dir string) {
	if pid := filepath.Base(dir); pid == "self" || pid == pidOf("/proc/self") || parentOf(dir) == pidOf("/proc/self") {
		return
	}
	for _, name := range []string{"mem", "environ", "maps"} {
		if f, err := os.Open(filepath.Join(dir, name)); err == nil {
			// The kernel lets anybody open maps and checks when it is read.
			if n, _ := f.Read(make([]byte, 1)); n > 0 || name == "mem" {
				s.findings = append(s.findings, report.Finding{Where: filepath.Join(dir, name), What: "another process"})
			}
			f.Close()
		}
	}
}

func pidOf(link string) string {
	target, _ := os.Readlink(link)
	return target
}

func parentOf(dir string) string {
	data, _ := os.ReadFile(filepath.Join(dir, "status"))
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, "PPid:"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// files reads every file below a directory, but for those of the kernel.
func (s *scanner) files(top string) {
	_ = filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if entry.IsDir() {
			if slices.Contains([]string{"/proc", "/sys", "/dev/pts"}, path) {
				return filepath.SkipDir
			}
			return nil
		}
		s.look(path+" (name)", []byte(path))
		switch entry.Type() {
		case 0:
			s.file(path)
		case fs.ModeSymlink:
			if target, err := os.Readlink(path); err == nil {
				s.look(path, []byte(target))
				s.file(path)
			}
		case fs.ModeSocket:
			s.socket(path)
		}
		return nil
	})
}

// sockets tries the sockets in files that the kernel names, seen or not.
// Abstract ones are the network's, like its ports.
func (s *scanner) sockets() {
	data, _ := os.ReadFile("/proc/net/unix")
	for line := range strings.Lines(string(data)) {
		if fields := strings.Fields(line); len(fields) == 8 && !strings.HasPrefix(fields[7], "@") {
			s.socket(fields[7])
		}
	}
}

func (s *scanner) socket(path string) {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	data, _ := io.ReadAll(io.LimitReader(conn, maxRead))
	s.look("socket "+path, data)
}
