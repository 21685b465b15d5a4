package testactions

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// addV1 adds version 1, as GitHub Enterprise Server has it: with immutable
// entries, scopes and refusals, unlike act.
func (f *Front) addV1(mux *http.ServeMux) {
	const base = "/_apis/artifactcache/"
	mux.HandleFunc("GET "+base+"cache", func(w http.ResponseWriter, r *http.Request) {
		run, ok := f.run(w, r)
		if !ok {
			return
		}
		if why := run.mayRead(); why != "" {
			v1Error(w, http.StatusForbidden, "CacheReadDenied", why)
			return
		}
		keys := strings.Split(r.URL.Query().Get("keys"), ",")
		e := f.find(run, r.URL.Query().Get("version"), keys)
		if e == nil || len(keys) > 10 {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		reply(w, http.StatusOK, map[string]any{"cacheKey": e.Key, "scope": e.Ref, "archiveLocation": f.storage.Sign(e.blob(), false)})
	})
	mux.HandleFunc("POST "+base+"caches", func(w http.ResponseWriter, r *http.Request) {
		run, ok := f.run(w, r)
		if !ok {
			return
		}
		var in struct{ Key, Version string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || checkKey(in.Key) != "" {
			v1Error(w, http.StatusBadRequest, "BadRequest", "not a reservation")
			return
		}
		if why := run.mayWrite(); why != "" {
			v1Error(w, http.StatusForbidden, "CacheWriteDenied", why)
			return
		}
		e := f.reserve(run, in.Key, in.Version)
		if e == nil {
			v1Error(w, http.StatusConflict, "ArtifactCacheItemAlreadyExistsException", "Cache already exists")
			return
		}
		reply(w, http.StatusCreated, map[string]any{"cacheId": e.ID})
	})
	reserved := func(w http.ResponseWriter, r *http.Request) *Entry {
		if _, ok := f.run(w, r); !ok {
			return nil
		}
		id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
		e := f.get(func(e *Entry) bool { return e.ID == id && !e.Complete })
		if e == nil {
			v1Error(w, http.StatusNotFound, "NotFound", "no such reservation")
		}
		return e
	}
	mux.HandleFunc("PATCH "+base+"caches/{id}", func(w http.ResponseWriter, r *http.Request) {
		e := reserved(w, r)
		if e == nil {
			return
		}
		var from, to int64
		body, err := io.ReadAll(r.Body)
		if _, scanErr := fmt.Sscanf(r.Header.Get("Content-Range"), "bytes %d-%d/*", &from, &to); scanErr != nil || err != nil || to-from+1 != int64(len(body)) {
			v1Error(w, http.StatusBadRequest, "BadRequest", "not a chunk")
			return
		}
		f.mu.Lock()
		e.parts[from] = body
		f.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST "+base+"caches/{id}", func(w http.ResponseWriter, r *http.Request) {
		e := reserved(w, r)
		if e == nil {
			return
		}
		var in struct{ Size int64 }
		json.NewDecoder(r.Body).Decode(&in)
		var whole bytes.Buffer
		f.mu.Lock()
		for _, from := range slices.Sorted(maps.Keys(e.parts)) {
			if from == int64(whole.Len()) {
				whole.Write(e.parts[from])
			}
		}
		e.parts = nil
		f.mu.Unlock()
		if int64(whole.Len()) != in.Size {
			v1Error(w, http.StatusBadRequest, "BadRequest", "the chunks have another size")
			return
		}
		f.storage.(*memory).put(e.blob(), whole.Bytes())
		f.complete(e, in.Size)
		w.WriteHeader(http.StatusNoContent)
	})
}

func v1Error(w http.ResponseWriter, status int, key, message string) {
	reply(w, status, map[string]any{"typeKey": key, "message": message})
}
