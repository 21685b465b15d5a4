package project

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pack-cache/pack-cache/internal/userfile"
)

// Git is what a Git working tree says about its commit. It comes with the
// source, like everything there.
type Git struct {
	Commit string
	// Refs are the branch, and then the tags of the commit.
	Refs []string
	// URL is that of the remote origin, or else of the first one, without a
	// credential.
	URL string
}

// ReadGit reads the directory .git of a source directory, and nil if there is
// none that it understands. Nothing of Git is run.
func ReadGit(dir string) *Git {
	source, err := os.OpenRoot(dir)
	if err != nil {
		return nil
	}
	defer source.Close()
	files, err := source.OpenRoot(".git")
	if err != nil {
		return nil
	}
	defer files.Close()
	repo := &repository{files, map[string]string{}}
	repo.readPacked()
	head := repo.line("HEAD")
	branch, symbolic := strings.CutPrefix(head, "ref: ")
	commit := head
	if symbolic {
		commit = repo.resolve(branch)
	}
	if !objectName.MatchString(commit) {
		return nil
	}
	name := "HEAD"
	if symbolic {
		name = path.Base(branch)
		if rest, ok := strings.CutPrefix(branch, "refs/heads/"); ok {
			name = rest
		}
	}
	return &Git{Commit: commit, Refs: append([]string{name}, repo.tags(commit)...), URL: repo.remote()}
}

// Describe names a tag of the commit, or the commit.
func (g *Git) Describe() string {
	if len(g.Refs) > 1 {
		return g.Refs[1]
	}
	return g.Commit
}

var objectName = regexp.MustCompile(`^[0-9a-f]{40}$|^[0-9a-f]{64}$`)

// repository is a directory .git.
type repository struct {
	files *os.Root
	// packed are the references in packed-refs; those of annotated tags stand
	// for the commit.
	packed map[string]string
}

// maxGitFile bounds what is read of a file.
const maxGitFile = 16 << 20

// read returns what is in a file, "" if there is none that can be read.
func (r *repository) read(name string) string {
	if !fs.ValidPath(name) {
		return ""
	}
	file, err := userfile.OpenIn(r.files, name)
	if err != nil {
		return ""
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxGitFile))
	if err != nil {
		return ""
	}
	return string(content)
}

// line returns the one line of a file.
func (r *repository) line(name string) string { return strings.TrimSpace(r.read(name)) }

func (r *repository) resolve(ref string) string {
	if loose := r.line(ref); loose != "" {
		return loose
	}
	return r.packed[ref]
}

func (r *repository) readPacked() {
	last := ""
	for line := range strings.Lines(r.read("packed-refs")) {
		line = strings.TrimSpace(line)
		if peeled, ok := strings.CutPrefix(line, "^"); ok && last != "" {
			r.packed[last] = peeled
			continue
		}
		if object, ref, ok := strings.Cut(line, " "); ok && !strings.HasPrefix(line, "#") {
			r.packed[ref], last = object, ref
		}
	}
}

// tags returns the names of the tags of a commit, sorted.
func (r *repository) tags(commit string) []string {
	const prefix = "refs/tags/"
	found := map[string]bool{}
	for ref, object := range r.packed {
		if name, ok := strings.CutPrefix(ref, prefix); ok {
			found[name] = object == commit
		}
	}
	_ = fs.WalkDir(r.files.FS(), strings.TrimSuffix(prefix, "/"), func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			found[strings.TrimPrefix(name, prefix)] = r.commitOf(r.line(name)) == commit
		}
		return nil // no tags, or one that cannot be read
	})
	var names []string
	for name, ok := range found {
		if ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// commitOf is the commit of an annotated tag that is an object of its own, or
// the object itself.
func (r *repository) commitOf(object string) string {
	if !objectName.MatchString(object) {
		return ""
	}
	raw := r.read(path.Join("objects", object[:2], object[2:]))
	plain, err := zlib.NewReader(strings.NewReader(raw))
	if err != nil {
		return object
	}
	content, err := io.ReadAll(io.LimitReader(plain, maxGitFile))
	header, body, ok := bytes.Cut(content, []byte{0})
	if err != nil || !ok || !bytes.HasPrefix(header, []byte("tag ")) {
		return object
	}
	line, _, _ := strings.Cut(string(body), "\n")
	return strings.TrimPrefix(line, "object ")
}

var (
	remoteSection = regexp.MustCompile(`^\[remote "(.*)"\]`)
	urlKey        = regexp.MustCompile(`^url\s*=\s*(.*)$`)
)

// remote returns the URL of the remote origin, or else of the first one.
func (r *repository) remote() string {
	section, first, origin := "", "", ""
	for scanner := bufio.NewScanner(strings.NewReader(r.read("config"))); scanner.Scan(); {
		line := strings.TrimSpace(scanner.Text())
		if strings.HasPrefix(line, "[") {
			section = ""
			if found := remoteSection.FindStringSubmatch(line); found != nil {
				section = found[1]
			}
		}
		if found := urlKey.FindStringSubmatch(line); found != nil && section != "" {
			if first == "" {
				first = found[1]
			}
			if section == "origin" {
				origin = found[1]
			}
		}
	}
	if origin == "" {
		origin = first
	}
	return withoutCredential(origin)
}

// withoutCredential takes user and password out of a URL: CI systems put tokens
// there.
func withoutCredential(address string) string {
	if !strings.Contains(address, "://") {
		return address // a path, or HOST:PATH as ssh has it
	}
	parsed, err := url.Parse(address)
	if err != nil {
		return ""
	}
	parsed.User = nil
	return parsed.String()
}
