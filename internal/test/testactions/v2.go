package testactions

import (
	"encoding/json"
	"net/http"
)

// addV2 adds version 2: twirp, in JSON (github.actions.results.api.v1). Names of
// fields are taken in both forms that protobuf has for JSON.
func (f *Front) addV2(mux *http.ServeMux) {
	const service = "POST /twirp/github.actions.results.api.v1.CacheService/"
	type request struct {
		Key, Version string
		RestoreKeys  []string    `json:"restore_keys"`
		RestoreKeys2 []string    `json:"restoreKeys"`
		SizeBytes    json.Number `json:"size_bytes"`
		SizeBytes2   json.Number `json:"sizeBytes"`
	}
	handle := func(method string, do func(http.ResponseWriter, Run, request)) {
		mux.HandleFunc(service+method, func(w http.ResponseWriter, r *http.Request) {
			run, ok := f.run(w, r)
			if !ok {
				return
			}
			var in request
			if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
				twirpError(w, http.StatusBadRequest, "malformed", err.Error())
				return
			}
			if in.SizeBytes == "" {
				in.SizeBytes = in.SizeBytes2
			}
			in.RestoreKeys = append(in.RestoreKeys, in.RestoreKeys2...)
			if why := checkKey(in.Key); why != "" {
				twirpError(w, http.StatusBadRequest, "invalid_argument", why)
				return
			}
			do(w, run, in)
		})
	}
	handle("CreateCacheEntry", func(w http.ResponseWriter, run Run, in request) {
		if why := run.mayWrite(); why != "" {
			reply(w, http.StatusOK, map[string]any{"ok": false, "message": why})
			return
		}
		e := f.reserve(run, in.Key, in.Version)
		if e == nil {
			twirpError(w, http.StatusConflict, "already_exists", "cache entry with the same key, version, and scope already exists")
			return
		}
		reply(w, http.StatusOK, map[string]any{"ok": true, "signed_upload_url": f.storage.Sign(e.blob(), true)})
	})
	handle("FinalizeCacheEntryUpload", func(w http.ResponseWriter, run Run, in request) {
		e := f.get(func(e *Entry) bool {
			return !e.Complete && len(run.Refs) > 0 && e.Repository == run.Repository && e.Ref == run.Refs[0] && e.Key == in.Key && e.Version == in.Version
		})
		size, err := in.SizeBytes.Int64()
		switch {
		case e == nil:
			twirpError(w, http.StatusNotFound, "not_found", "no such reservation")
		case err != nil || f.storage.Size(e.blob()) != size:
			reply(w, http.StatusOK, map[string]any{"ok": false, "message": "the upload has another size"})
		default:
			f.complete(e, size)
			reply(w, http.StatusOK, map[string]any{"ok": true, "entry_id": itoa(e.ID)})
		}
	})
	handle("GetCacheEntryDownloadURL", func(w http.ResponseWriter, run Run, in request) {
		if why := run.mayRead(); why != "" {
			twirpError(w, http.StatusForbidden, "permission_denied", why)
			return
		}
		e := f.find(run, in.Version, append([]string{in.Key}, in.RestoreKeys...))
		if e == nil {
			reply(w, http.StatusOK, map[string]any{"ok": false})
			return
		}
		reply(w, http.StatusOK, map[string]any{"ok": true, "signed_download_url": f.storage.Sign(e.blob(), false), "matched_key": e.Key})
	})
}

func twirpError(w http.ResponseWriter, status int, code, msg string) {
	reply(w, status, map[string]string{"code": code, "msg": msg})
}
