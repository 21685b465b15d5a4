package testactions

import (
	"bytes"
	"crypto/rand"
	"encoding/xml"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// memory is a Storage that speaks as much of Azure Blob Storage as block blobs
// need.
type memory struct {
	url string

	mu     sync.Mutex
	blobs  map[string][]byte
	blocks map[string][]byte // by blob and block
	signed map[string]signature
}

// signature is what a signed URL is for.
type signature struct {
	name  string
	write bool
}

func newMemory(url string) *memory {
	return &memory{url: url, blobs: map[string][]byte{}, blocks: map[string][]byte{}, signed: map[string]signature{}}
}

// Sign implements Storage.
func (m *memory) Sign(name string, write bool) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	sig := rand.Text()
	m.signed[sig] = signature{name, write}
	return m.url + name + "?sv=2020-10-02&sig=" + sig
}

// Expire makes all signed URLs invalid.
func (f *Front) Expire() {
	m := f.storage.(*memory)
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.signed)
}

// Size implements Storage.
func (m *memory) Size(name string) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if content, ok := m.blobs[name]; ok {
		return int64(len(content))
	}
	return -1
}

// Delete implements Storage.
func (m *memory) Delete(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.blobs, name)
}

func (m *memory) put(name string, content []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.blobs[name] = content
}

// ServeHTTP serves signed URLs.
func (m *memory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/blobs/")
	query := r.URL.Query()
	write := r.Method == http.MethodPut
	m.mu.Lock()
	may, ok := m.signed[query.Get("sig")]
	content, there := m.blobs[name]
	m.mu.Unlock()
	switch {
	case !ok || may != signature{name, write} || r.Header.Get("Authorization") != "":
		http.Error(w, "<Error><Code>AuthenticationFailed</Code></Error>", http.StatusForbidden)
	case write:
		m.write(w, r, name, query.Get("comp"), query.Get("blockid"))
	case !there:
		http.Error(w, "<Error><Code>BlobNotFound</Code></Error>", http.StatusNotFound)
	default:
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}
}

func (m *memory) write(w http.ResponseWriter, r *http.Request, name, comp, block string) {
	body, err := io.ReadAll(r.Body)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case err != nil:
		return
	case comp == "block" && block != "":
		m.blocks[name+" "+block] = body
	case comp == "blocklist":
		var list struct{ Latest []string }
		if err := xml.Unmarshal(body, &list); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		var whole []byte
		for _, id := range list.Latest {
			part, ok := m.blocks[name+" "+id]
			if !ok {
				http.Error(w, "<Error><Code>InvalidBlockList</Code></Error>", http.StatusBadRequest)
				return
			}
			whole = append(whole, part...)
			delete(m.blocks, name+" "+id)
		}
		m.blobs[name] = whole
	case comp == "" && r.Header.Get("X-Ms-Blob-Type") == "BlockBlob":
		m.blobs[name] = body
	default:
		http.Error(w, "<Error><Code>InvalidHeaderValue</Code></Error>", http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusCreated)
}

// Damage replaces the content of the entries of a repository with a key by what
// do makes of it, nil for nothing; the entries themselves stay. It reports whether
// there was one.
func (f *Front) Damage(repository, key string, do func([]byte) []byte) bool {
	m := f.storage.(*memory)
	found := false
	for _, e := range f.Entries(repository) {
		if !strings.EqualFold(e.Key, key) {
			continue
		}
		found = true
		m.mu.Lock()
		content := do(bytes.Clone(m.blobs[e.blob()]))
		m.mu.Unlock()
		if content == nil {
			m.Delete(e.blob())
		} else {
			m.put(e.blob(), content)
		}
	}
	return found
}
