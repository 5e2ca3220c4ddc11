package web

import (
	"net/http/httptest"
	"testing"
	"testing/fstest"
)

func TestStaticFilesAreKeptByTheirVersion(t *testing.T) {
	files := fstest.MapFS{"a.css": {Data: []byte("body{}")}, "folder/b.js": {Data: []byte("1")}}
	version := func(name string) string { return map[string]string{"a.css": "v1"}[name] }
	handler := Static("/static/", files, version)
	for _, c := range []struct {
		method, path string
		status       int
		cache, kind  string
	}{
		{"GET", "/static/a.css?v=v1", 200, "public, max-age=31536000, immutable", "text/css; charset=utf-8"},
		{"HEAD", "/static/a.css?v=v1", 200, "public, max-age=31536000, immutable", "text/css; charset=utf-8"},
		{"GET", "/static/a.css?v=v2", 200, "no-cache", "text/css; charset=utf-8"},
		{"GET", "/static/a.css", 200, "no-cache", "text/css; charset=utf-8"},
		{"GET", "/static/folder/b.js?v=", 200, "no-cache", "text/javascript; charset=utf-8"},
		{"GET", "/static/", 404, "", "text/plain; charset=utf-8"},
		{"GET", "/static/folder", 404, "", "text/plain; charset=utf-8"},
		{"GET", "/static/folder/", 404, "", "text/plain; charset=utf-8"},
		{"GET", "/static/absent.css?v=v1", 404, "", "text/plain; charset=utf-8"},
		{"GET", "/static/../static.go", 404, "", "text/plain; charset=utf-8"},
		{"POST", "/static/a.css", 405, "", "text/plain; charset=utf-8"},
	} {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest(c.method, c.path, nil))
		h := answer.Header()
		if answer.Code != c.status || h.Get("Cache-Control") != c.cache || h.Get("Content-Type") != c.kind {
			t.Errorf("%s %s: %d %v", c.method, c.path, answer.Code, h)
		}
	}
}
