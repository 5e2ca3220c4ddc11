package templates

import (
	"bytes"
	"embed"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// The demonstration shows every part of the administration on pages that no program has. With GRANTOR_TEST_DEMO set to a
// folder, TestDemonstration leaves them there, and every real page as the tests fill it, to be looked at in a browser.
//
//go:embed testdata/demo_*.html
var demoFiles embed.FS

type demoRow struct {
	Number   int
	ID, Name string
	Redirect string
	More     int
	Grants   []string
	LastUsed time.Time
	Off      bool
}

type (
	demoList struct {
		Admin
		Listing Listing
		Rows    []demoRow
	}
	demoForm struct {
		Admin
		Name              string
		Faults            []Fault
		Inputs            []Input
		Templates, Grants Choices
	}
	demoClient struct {
		Admin
		ID, Long    string
		Then, Never time.Time
	}
	demoDashboard struct {
		Admin
		Issued, Refused, Nothing Plot
		Then                     time.Time
		Long                     string
	}
)

var demoNow = time.Date(2026, 11, 22, 14, 3, 0, 0, time.UTC)

func demoAdmin(base, person, section, title string, trail ...string) Admin {
	a := Admin{
		Frame: Frame{Base: base, Host: "auth.example.test", SignedIn: person}, Areas: AllAreas(), Area: AreaAdmin,
		Menu: AdminMenu(), Section: section, Title: title, FormToken: "ft", Trail: []Link{{Path: "/", Text: "Home"}, {Path: "/admin", Text: "Admin"}},
	}
	for _, text := range trail {
		a.Trail = append(a.Trail, Link{Path: "/admin/auth-clients", Text: text})
	}
	return a
}

// demonstration fills the pages as a customer would see them, or with a name that is as bad as can be.
func demonstration(base, bad string) map[string]any {
	or := func(good string) string {
		if bad != "" {
			return bad
		}
		return good
	}
	person := or("Ada Lovelace")
	l := ReadListing(url.Values{"page": {"7"}, "q": {bad}}, "Auth Clients", []string{"-number", "client_id", "name", "last_used"})
	l.Found(120)
	list := demoList{Admin: demoAdmin(base, person, "clients", "Auth Clients"), Listing: l}
	names := []string{
		"Holiday photos", "Accounts of the club", "Door bell", "Payroll", "Timetable", "Warehouse robots", strings.Repeat("W", 255),
		"تطبيق المحاسبة", "👩‍👩‍👧‍👦 Family tree 🏳️‍🌈", "Invoices", "Nightly backup of everything that the house has", "CRM", "Wiki", "Builds", "Weather",
	}
	for i, name := range names {
		row := demoRow{
			Number: 120 - i, ID: "3f9a1c7e5b2d4086a1" + string(rune('a'+i)) + "cb7d2e9f4a", Name: or(name), Redirect: "https://" + []string{"photos", "accounts", "bell"}[i%3] + ".example.test/oauth/callback",
			Grants: []string{"Authorization code", "Refresh token"}, LastUsed: demoNow.Add(-time.Duration(i*i) * time.Hour), Off: i%5 == 4,
		}
		if i%3 == 0 {
			row.More = 2
		}
		if i%4 == 3 {
			row.Grants, row.Redirect, row.LastUsed = []string{"Client credentials"}, "", time.Time{}
		}
		list.Rows = append(list.Rows, row)
	}
	empty := demoList{Admin: demoAdmin(base, person, "clients", "Auth Clients"), Listing: ReadListing(nil, "Auth Clients", []string{"-number"})}
	empty.Notice = &Notice{Good, or("The auth client was deleted.")}

	form := demoForm{
		Admin: demoAdmin(base, person, "clients", "Create Auth Client", "Auth Clients"), Name: or("Holiday photos"),
		Faults: []Fault{{"name", or("Another auth client is called so already.")}, {"redirect_uris", "Line 2: http is for loopback addresses only."}, {"grants", "Choose at least one."}},
		Templates: Choices{Legend: "What is it?", Hint: "This fills in sound settings; you can change each of them.", Cards: true, Items: []Choice{
			{ID: "t-web", Name: "template", Value: "web", Label: "Web application", Hint: "Runs on a server and keeps a secret.", Radio: true, Checked: true},
			{ID: "t-app", Name: "template", Value: "app", Label: "Single-page or native app", Hint: "Runs in a browser, on a phone or on a desk.", Radio: true},
			{ID: "t-machine", Name: "template", Value: "machine", Label: "Machine to machine", Hint: "A program that acts for itself, with nobody signed in.", Radio: true},
		}},
		Inputs: []Input{
			{ID: "name", Label: "Name", Value: or("Holiday photos"), Hint: "Shown to people when they are asked to allow access.", Fault: or("Another auth client is called so already."), Required: true, MaxLength: 255},
			{ID: "redirect_uris", Label: "Redirect URLs", Type: "textarea", Code: true, Hint: "One a line. https, or http for loopback addresses.", Value: "https://photos.example.test/callback\nhttp://photos.example.test/", Fault: "Line 2: http is for loopback addresses only."},
			{ID: "format", Label: "Token format", Type: "select", Value: "jwt", Options: []Option{{"opaque", "Opaque: ask the server what it is worth"}, {"jwt", "JWT: APIs check it themselves"}}},
			{ID: "lifetime", Label: "Access tokens live", Type: "number", Value: "60", Suffix: "minutes", Min: "1", Max: "1440"},
			{ID: "expires", Label: "Secret expires on", Type: "date", Optional: true},
			{ID: "password", Label: "Password", Type: "password", Autocomplete: "new-password", Hint: "At least 12 characters."},
			{ID: "fixed", Label: "Client ID", Value: "3f9a1c7e5b2d4086", Code: true, ReadOnly: true},
		},
		Grants: Choices{ID: "grants", Legend: "Grants", Fault: "Choose at least one.", Items: []Choice{
			{ID: "g-code", Name: "grants", Value: "authorization_code", Label: "Enable Authorization Code Grant", Hint: "People sign in here and are sent back.", Mark: "recommended", Checked: true},
			{ID: "g-pat", Name: "grants", Value: "pat", Label: "Enable Personal Access Tokens", Hint: "People make tokens for their own programs."},
			{ID: "g-cc", Name: "grants", Value: "client_credentials", Label: "Enable Client Credentials Grant", Hint: "Only a confidential client may have this.", Disabled: true},
			{ID: "g-none", Name: "grants", Value: "x", Label: "Without a hint"},
		}},
	}
	client := demoClient{Admin: demoAdmin(base, person, "clients", or("Holiday photos"), "Auth Clients"), ID: "3f9a1c7e5b2d4086a1bcb7d2e9f4a", Long: or(strings.Repeat("Wide", 50)), Then: demoNow.Add(-75 * time.Hour)}
	client.Notice = &Notice{Warn, "Somebody else saved this auth client in the meantime."}

	plot := Plot{ID: "issued", Title: "Tokens issued", Text: "By grant, over the last day.", Noun: "tokens", From: demoNow.Truncate(time.Hour).Add(-23 * time.Hour), Step: time.Hour}
	for s, name := range []string{or("authorization_code"), "refresh_token", "client_credentials", "device_code", "personal_access_token", "token_exchange", "jwt_bearer"} {
		series := PlotSeries{Name: name}
		for i := range 24 {
			series.Counts = append(series.Counts, int64((i*i*(7+s)+s*31)%(190/(s+1))))
		}
		plot.Series = append(plot.Series, series)
	}
	refused := Plot{ID: "refused", Title: "Requests refused", Text: "By reason, over the last week.", Noun: "requests", From: demoNow.Truncate(time.Hour).Add(-167 * time.Hour), Step: time.Hour, Kind: Lines}
	for s, name := range []string{"invalid_grant", "invalid_client", "slow_down"} {
		series := PlotSeries{Name: name}
		for i := range 168 {
			series.Counts = append(series.Counts, int64((i*i+s*17)%(20+s*9))/int64(s+1))
		}
		refused.Series = append(refused.Series, series)
	}
	dashboard := demoDashboard{
		Admin: demoAdmin(base, person, "dashboard", "Dashboard"), Issued: plot, Refused: refused, Then: client.Then, Long: client.Long,
		Nothing: Plot{ID: "nothing", Title: "Tokens of a new client", Text: "Over the last hour.", Series: []PlotSeries{{"a", make([]int64, 60)}}},
	}
	return map[string]any{"list": list, "empty": empty, "form": form, "client": client, "dashboard": dashboard}
}

func demoSamples() []any {
	var samples []any
	for _, page := range demonstration("/tenant", hostile) {
		samples = append(samples, page)
	}
	return samples
}

// withDemonstration are all pages, and those that only tests have.
func withDemonstration() (*Pages, error) {
	p, err := Parse()
	if err != nil {
		return nil, err
	}
	return p, addDemonstration(p)
}

func addDemonstration(p *Pages) error {
	p.Now = func() time.Time { return demoNow }
	p.add(p.adminLayout, demoFiles, "testdata/", map[string]any{
		"demo_list": demoList{}, "demo_form": demoForm{}, "demo_client": demoClient{}, "demo_dashboard": demoDashboard{},
	})
	return p.check()
}

func TestDemonstration(t *testing.T) {
	folder := os.Getenv("GRANTOR_TEST_DEMO")
	alone := New()
	if err := addDemonstration(alone); err != nil {
		t.Fatal(err)
	}
	shown := demonstration("", "")
	for name, page := range demonstration("", hostile) {
		shown["hostile-"+name] = page
	}
	for name, page := range shown {
		var out bytes.Buffer
		if err := alone.Render(&out, page); err != nil {
			t.Errorf("%s (%s): %v", name, reflect.TypeOf(page), err)
			continue
		}
		if folder == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(folder, name+".html"), out.Bytes(), 0o600); err != nil {
			t.Error(err)
		}
	}
	if folder == "" {
		return
	}
	for i, page := range everyPage() {
		var out bytes.Buffer
		if err := parse(t).Render(&out, page); err != nil {
			t.Error(err)
		}
		name := fmt.Sprintf("every-%03d-%s.html", i, strings.TrimPrefix(typeName(page), "templates."))
		if err := os.WriteFile(filepath.Join(folder, name), out.Bytes(), 0o600); err != nil {
			t.Error(err)
		}
	}
	if err := os.RemoveAll(filepath.Join(folder, "static")); err != nil {
		t.Error(err)
	}
	if err := os.CopyFS(filepath.Join(folder, "static"), Static()); err != nil {
		t.Error(err)
	}
}
