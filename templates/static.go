package templates

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/url"
)

//go:embed static
var staticFiles embed.FS

var functions = template.FuncMap{"asset": Asset, "web": webAddress, "time": moment, "number": grouped, "count": count, "fill": newFill}

// The versions are fixed when the program is built, so they are counted once.
var versions = countVersions(Static())

// Static returns the files that belong to the pages, to be served below /static/.
func Static() fs.FS {
	files, err := fs.Sub(staticFiles, "static")
	if err != nil {
		panic(err) // the name above is not a valid path
	}
	return files
}

// Version returns a digest of the content of a static file, or "" when there is no such file.
func Version(name string) string { return versions[name] }

// Asset returns the path of a static file, with its version so that browsers may keep it: /static/grantor.css?v=…
func Asset(name string) (string, error) {
	version := Version(name)
	if version == "" {
		return "", fmt.Errorf("there is no static file %q", name)
	}
	return "/static/" + name + "?v=" + version, nil
}

func countVersions(files fs.FS) map[string]string {
	found := make(map[string]string)
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		digest := sha256.Sum256(content)
		found[name] = hex.EncodeToString(digest[:6])
		return err
	})
	if err != nil {
		panic(err) // the files are part of the program
	}
	return found
}

// webAddress refuses what html/template would quietly replace: a form must go exactly where it was meant to, or nowhere.
func webAddress(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", fmt.Errorf("a form cannot be posted to %q", address)
	}
	return address, nil
}
