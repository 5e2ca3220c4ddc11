package pages

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/grantor-dev/grantor/admin/access"
	"github.com/grantor-dev/grantor/internal/web"
)

// What the body of a form holds at most, in bytes.
const (
	maxForm   = 256 << 10
	maxImport = web.DefaultBodyLimit // what the server takes at all
)

// form holds the fields of a posted form. Unlike at the endpoints of the protocol a field may repeat: checkboxes do.
type form url.Values

// Get gives the first value of a field, "" where there is none. Line ends are those of Unix.
func (f form) Get(name string) string {
	if len(f[name]) == 0 {
		return ""
	}
	return strings.ReplaceAll(f[name][0], "\r\n", "\n")
}

// Has reports whether the field was sent.
func (f form) Has(name string) bool { return len(f[name]) > 0 }

// All gives every value of a field.
func (f form) All(name string) []string { return f[name] }

// Lines gives the lines of a field without surrounding blanks, empty ones left out.
func (f form) Lines(name string) []string {
	var lines []string
	for line := range strings.SplitSeq(f.Get(name), "\n") {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// readForm reads the body alone: nothing of a form stands in a URL.
func readForm(w http.ResponseWriter, r *http.Request, rule access.Rule) (form, error) {
	limit := int64(maxForm)
	if strings.HasSuffix(rule.Path, "/import") {
		limit = maxImport
	}
	web.LimitBody(w, r, limit)
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err == nil && kind == "application/x-www-form-urlencoded":
		err = r.ParseForm()
	case err == nil && kind == "multipart/form-data":
		err = r.ParseMultipartForm(limit)
	default:
		return nil, errForm
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, err
	}
	if err != nil {
		return nil, errForm
	}
	values := r.PostForm
	if r.MultipartForm != nil {
		values = r.MultipartForm.Value
		if err := addFiles(values, r.MultipartForm); err != nil {
			return nil, err
		}
	}
	for name, all := range values {
		for _, value := range all {
			if !utf8.ValidString(name) || !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
				return nil, errForm
			}
		}
	}
	return form(values), nil
}

// addFiles makes the content of a file the value of its field, so that it is a field like others: checked like them, and
// carried along where the password is asked for first.
func addFiles(values url.Values, f *multipart.Form) error {
	defer func() { _ = f.RemoveAll() }() // what is left behind ends with the machine's temporary files
	for name, files := range f.File {
		for _, header := range files {
			file, err := header.Open()
			if err != nil {
				return fmt.Errorf("read file of form: %w", err)
			}
			content, err := io.ReadAll(file)
			if err := errors.Join(err, file.Close()); err != nil {
				return fmt.Errorf("read file of form: %w", err)
			}
			values.Add(name, string(content))
		}
	}
	return nil
}

// isPassword reports whether a field holds a password, which is never written into a page.
func isPassword(name string) bool { return strings.Contains(name, "password") }
