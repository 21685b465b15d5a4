package web

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for value, want := range map[string]time.Duration{
			"": 0, "0": 0, "7": 7 * time.Second, "-7": 0, "soon": 0, "99999999999": 24 * time.Hour, "9999999": 24 * time.Hour,
			time.Now().UTC().Add(9 * time.Second).Format(http.TimeFormat):  9 * time.Second,
			time.Now().UTC().Add(-9 * time.Second).Format(http.TimeFormat): 0,
		} {
			if got := retryAfter(http.Header{"Retry-After": {value}}); got != want {
				t.Errorf("%q: %v, want %v", value, got, want)
			}
		}
	})
}
