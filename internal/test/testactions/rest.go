package testactions

import (
	"net/http"
	"strconv"
	"strings"
)

// GitHubToken is a token for the REST API, of all repositories.
const GitHubToken = "ghs_test-github-token"

// addREST adds "REST API endpoints for GitHub Actions cache".
func (f *Front) addREST(mux *http.ServeMux) {
	may := func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") == "Bearer "+GitHubToken {
			return true
		}
		reply(w, http.StatusForbidden, map[string]string{"message": "Resource not accessible by integration"})
		return false
	}
	mux.HandleFunc("GET /repos/{owner}/{name}/actions/caches", func(w http.ResponseWriter, r *http.Request) {
		if !may(w, r) {
			return
		}
		query := r.URL.Query()
		size, _ := strconv.Atoi(query.Get("per_page"))
		page, _ := strconv.Atoi(query.Get("page"))
		var all []map[string]any
		for _, e := range f.Entries(r.PathValue("owner") + "/" + r.PathValue("name")) {
			if hasPrefix(e.Key, query.Get("key")) && (query.Get("ref") == "" || query.Get("ref") == e.Ref) {
				all = append(all, map[string]any{"id": e.ID, "ref": e.Ref, "key": e.Key, "version": e.Version,
					"created_at": e.Created, "last_accessed_at": e.Created, "size_in_bytes": e.Size})
			}
		}
		from := min(len(all), (page-1)*size)
		reply(w, http.StatusOK, map[string]any{"total_count": len(all), "actions_caches": all[from:min(len(all), from+size)]})
	})
	mux.HandleFunc("DELETE /repos/{owner}/{name}/actions/caches/{id}", func(w http.ResponseWriter, r *http.Request) {
		if !may(w, r) {
			return
		}
		gone := false
		f.Evict(func(e Entry) bool {
			hit := itoa(e.ID) == r.PathValue("id") && strings.EqualFold(e.Repository, r.PathValue("owner")+"/"+r.PathValue("name"))
			gone = gone || hit
			return hit
		})
		if !gone {
			reply(w, http.StatusNotFound, map[string]string{"message": "Not Found"})
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}
