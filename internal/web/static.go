package web

import (
	"io/fs"
	"net/http"
	"strings"
)

// Static serves the files at their names below the prefix it is mounted at, and lists no folder. A file asked for by its
// version (?v=…) is kept for a year. Any other answer is not: while nodes of two versions serve one address, a browser
// would keep the old file under the new name.
func Static(prefix string, files fs.FS, version func(name string) string) http.Handler {
	server := http.StripPrefix(prefix, http.FileServerFS(files))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, prefix), "/")
		info, err := fs.Stat(files, name)
		if err != nil || info.IsDir() {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", cacheControl(r, version(name)))
		server.ServeHTTP(w, r)
	})
}

func cacheControl(r *http.Request, version string) string {
	if version == "" || r.URL.Query().Get("v") != version {
		return "no-cache"
	}
	return "public, max-age=31536000, immutable"
}
