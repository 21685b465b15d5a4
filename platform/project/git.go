package project

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/zlib"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
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
	repo := &repository{files, map[string]string{}, map[string]string{}}
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
	// packed are the references in packed-refs, peeled what the annotated tags
	// among them stand for.
	packed, peeled map[string]string
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
			r.peeled[last] = peeled
			continue
		}
		if object, ref, ok := strings.Cut(line, " "); ok && !strings.HasPrefix(line, "#") {
			r.packed[ref], last = object, ref
		}
	}
}

// tag is a tag of a commit.
type tag struct {
	name string
	// annotated says that it is an object of its own, and made is what that says
	// about its time, in seconds since 1970; 0 if it is in a pack of Git's.
	annotated bool
	made      int64
}

// tags returns the names of the tags of a commit, in pack's order: annotated ones
// before the others, the youngest first, and then by name.
func (r *repository) tags(commit string) []string {
	const prefix = "refs/tags/"
	found := map[string]tag{}
	add := func(ref, object, peeled string) {
		name := strings.TrimPrefix(ref, prefix)
		of, made := r.tagged(object)
		of = cmp.Or(of, peeled)
		if delete(found, name); of == commit || of == "" && object == commit {
			found[name] = tag{name, of != "", made}
		}
	}
	for ref, object := range r.packed {
		if strings.HasPrefix(ref, prefix) {
			add(ref, object, r.peeled[ref])
		}
	}
	_ = fs.WalkDir(r.files.FS(), strings.TrimSuffix(prefix, "/"), func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			add(name, r.line(name), "")
		}
		return nil // no tags, or one that cannot be read
	})
	order := func(a, b tag) int {
		if a.annotated != b.annotated {
			return map[bool]int{true: -1, false: 1}[a.annotated]
		}
		return cmp.Or(cmp.Compare(b.made, a.made), strings.Compare(a.name, b.name))
	}
	var names []string
	for _, t := range slices.SortedFunc(maps.Values(found), order) {
		names = append(names, t.name)
	}
	return names
}

// tagged returns what an annotated tag stands for and when it was made; "" for
// another object, and for one in a pack of Git's.
func (r *repository) tagged(object string) (commit string, made int64) {
	if !objectName.MatchString(object) {
		return "", 0
	}
	raw := r.read(path.Join("objects", object[:2], object[2:]))
	plain, err := zlib.NewReader(strings.NewReader(raw))
	if err != nil {
		return "", 0
	}
	content, err := io.ReadAll(io.LimitReader(plain, maxGitFile))
	header, body, ok := bytes.Cut(content, []byte{0})
	if err != nil || !ok || !bytes.HasPrefix(header, []byte("tag ")) {
		return "", 0
	}
	if found := taggedAt.FindSubmatch(body); found != nil {
		made, _ = strconv.ParseInt(string(found[1]), 10, 64)
	}
	line, _, _ := strings.Cut(string(body), "\n")
	return strings.TrimPrefix(line, "object "), made
}

// taggedAt is the line of a tag that says who made it and when.
var taggedAt = regexp.MustCompile(`(?m)^tagger .*> ([0-9]{1,18}) [+-][0-9]+$`)

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
