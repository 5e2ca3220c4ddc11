package pages

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/access"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/templates"
)

// write answers with a page.
func (s *site) write(w http.ResponseWriter, r *http.Request, status int, page any) {
	var body bytes.Buffer
	if err := s.Pages.Render(&body, page); err != nil {
		web.EventFrom(r.Context()).Cause = err
		http.Error(w, "The server failed to show this page.", http.StatusInternalServerError)
		return
	}
	web.PageHeaders(w.Header())
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the caller may be gone
}

// show answers with a page that is all right.
func (s *site) show(w http.ResponseWriter, r *http.Request, page any) error {
	s.write(w, r, http.StatusOK, page)
	return nil
}

// send has the browser go to a path of ours. After a POST it is 303, never 307, which would send the form along.
func (s *site) send(w http.ResponseWriter, r *http.Request, path string) {
	web.PageHeaders(w.Header())
	w.Header().Del("Content-Type")
	w.Header().Set("Location", s.base+path)
	status := http.StatusFound
	if r.Method == http.MethodPost {
		status = http.StatusSeeOther
	}
	w.WriteHeader(status)
}

// done sends the browser on after an act, to a page that tells so. The notice is a key of notices, so that no link can
// put words of a stranger on our pages.
func (s *site) done(w http.ResponseWriter, r *http.Request, path, notice string) error {
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	s.send(w, r, path+separator+"notice="+notice)
	return nil
}

// notices are what a page can be asked to tell by its URL. Areas add theirs in their own files.
func notices() map[string]string {
	all := map[string]string{}
	for _, area := range []map[string]string{clientNotices, apiNotices, userNotices, groupNotices, keyNotices, accountNotices} {
		for key, text := range area {
			all[key] = text
		}
	}
	return all
}

// frame is what stands around a page. The section is its entry in the menu; the trail leads from the area to it.
func (s *site) frame(r *http.Request, v *visit, section, title string, trail ...templates.Link) templates.Admin {
	frame := templates.Admin{
		Frame: templates.Frame{Base: s.base, Host: s.host, SignedIn: v.User.Username}, Section: section, Title: title,
		FormToken: s.Directory.FormToken(v.browser, formPurpose(v.Session)),
	}
	for _, area := range templates.AllAreas() {
		if area.Key == templates.AreaAccount || v.Rights.Any() {
			frame.Areas = append(frame.Areas, area)
		}
	}
	home := templates.Link{Path: "/", Text: "Home"}
	if strings.HasPrefix(r.URL.Path[len(s.base):], "/account") {
		frame.Area, frame.Menu = templates.AreaAccount, templates.AccountMenu()
		frame.Trail = append([]templates.Link{home, {Path: "/account", Text: "My account"}}, trail...)
	} else {
		frame.Area, frame.Menu = templates.AreaAdmin, menu(v.Rights)
		frame.Trail = append([]templates.Link{home, {Path: "/admin", Text: "Admin"}}, trail...)
	}
	if text := notices()[r.URL.Query().Get("notice")]; text != "" && r.Method == http.MethodGet {
		frame.Notice = &templates.Notice{Kind: templates.Good, Text: text}
	}
	return frame
}

// menu holds the pages of the administration that their reader may see.
func menu(rights account.Rights) []templates.MenuItem {
	return slices.DeleteFunc(templates.AdminMenu(), func(item templates.MenuItem) bool {
		rule, err := access.Find(http.MethodGet, item.Path)
		return err != nil || rule.Need.Check(rights) != nil
	})
}
