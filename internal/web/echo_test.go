package web

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testweb"
)

// TestAnswersDoNotRepeatCredentials has a server repeat what a request was
// authorised by.
func TestAnswersDoNotRepeatCredentials(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		said := r.Header.Get("Authorization") + " " + strings.Fields(r.Header.Get("Authorization"))[1] + " " + password
		w.Header().Set("Www-Authenticate", said)
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, strings.Repeat("x", 4090), said, " is not enough")
	}))
	defer server.Close()
	client := http.Client{Transport: &Transport{Inner: testweb.Transport(t)}}
	for name, authorise := range map[string]func(*http.Request){
		"password": func(r *http.Request) { r.SetBasicAuth("bob", "hunter2-hunter2") },
		"token":    func(r *http.Request) { r.Header.Set("Authorization", "Bearer hunter2-hunter2") },
	} {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			authorise(request)
			resp, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			credential := strings.Fields(request.Header.Get("Authorization"))[1]
			for _, said := range []string{string(body), resp.Header.Get("Www-Authenticate")} {
				if strings.Contains(said, "hunter2") || strings.Contains(said, credential) {
					t.Errorf("it says %q", said)
				}
			}
			if !strings.HasSuffix(string(body), " is not enough") {
				t.Errorf("the rest is lost: %q", body[4000:])
			}
		})
	}
}
