package pages_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/pages"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// hostile is what people may write into names: markup, quotes, formulas, an arrow, and a turn of the direction of writing.
const hostile = `=<script>alert(1)</script>"' -> ,` + "\u202e🦊"

// note puts an event into the log, a second after the one before.
func (w *world) note(e account.Event) *account.Event {
	w.t.Helper()
	w.move(time.Second)
	ok(w.t, w.audit.Record(w.system(), e))
	events, _, err := w.audit.Events(w.system(), "", "", 1)
	ok(w.t, err)
	return events[0]
}

// configured builds the pages anew, with something changed.
func (w *world) configured(change func(*pages.Config)) {
	w.t.Helper()
	shown, err := parsed()
	ok(w.t, err)
	c := pages.Config{
		Provider: w.provider, Directory: w.people, Audit: w.audit, Keys: w.keys, Pages: shown,
		Ping: w.store.Ping, Now: w.now, Version: "1.2.3", Store: "memory", Started: w.now(),
	}
	change(&c)
	site, err := pages.New(c)
	ok(w.t, err)
	w.handler = web.New(web.Config{Now: w.now, HTTPS: true})(site)
}

// cells are the texts of the rows of the first list on a page, from the top.
func (p *page) cells(label string) (texts []string) {
	for _, cell := range elements(p.document, "td") {
		if attribute(cell, "data-label") == label {
			texts = append(texts, textOf(cell))
		}
	}
	return texts
}

func TestHistoryTellsGrantsAsTheFormDoes(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(w.superAdmin("root"))
	c := w.client(oauth.Registration{ClientName: "TV", GrantTypes: []oauth.GrantType{oauth.DeviceCode}})
	b.open("/admin/auth-clients/"+c.ClientID+"/edit").form("Save").set("grant_types", deviceCode, "refresh_token").submit().follow()
	p := b.open("/admin/audit?object=client:" + c.ClientID).shows("Device authorization").hides(deviceCode)
	if old, now := textOf(elements(p.document, "del")[0]), textOf(elements(p.document, "ins")[0]); old != "Device authorization" || now != "Device authorization, Refresh tokens" {
		t.Errorf("changed from %q to %q", old, now)
	}
	b.open("/admin/auth-clients/"+c.ClientID+"/edit").form("Save").set("grant_types").set("personal_access_tokens", "yes").submit().follow()
	p = b.open("/admin/audit?object=client:" + c.ClientID)
	if now := textOf(elements(p.document, "ins")[0]); strings.Contains(now, "Device") {
		t.Errorf("no grant is told as %q", now)
	}
}

func TestAuditLogTellsInWords(t *testing.T) {
	w := newWorld(t)
	b := w.as("auditor", account.ViewAudit, account.ViewClients)
	c := w.client(oauth.Registration{ClientName: "Shop " + hostile[:8], RedirectURIs: []string{callback}})
	ann := w.user("ann")
	actor := account.Actor{Kind: account.ActorUser, ID: ann.ID, Name: "ann", Address: "192.0.2.1"}
	w.note(account.Event{Action: "client.updated", Object: "client:" + c.ClientID, Actor: actor, RequestID: "req-1", Detail: map[string]string{
		"redirect_uris": "https://a -> https://b", "scope": " -> x",
	}})
	w.note(account.Event{Action: "client.deleted", Object: "client:gone", Detail: map[string]string{"client_name": hostile}, Actor: account.Actor{Kind: account.ActorCLI, Name: hostile}})
	w.note(account.Event{Action: "user.login_failed", Object: "user:unknown", Actor: account.Actor{Kind: account.ActorGuest}, Detail: map[string]string{"username": "a -> b"}})
	w.note(account.Event{Action: "user.login", Object: "user:" + ann.ID, Actor: actor})
	w.note(account.Event{Action: "of.the_future", Object: hostile})

	p := b.open("/admin/audit")
	kept := strings.ReplaceAll(hostile, "\u202e", `\u202e`) // as the log shows what turns writing around
	said := p.cells("What")
	for i, want := range []string{
		"did “of.the_future” to " + kept + " of.the_future",
		"signed in as the user ann user.login",
		"failed to sign in as the user a -> b user.login_failed",
		"deleted the auth client " + kept + " client.deleted",
		"changed the auth client Shop =<script client.updated",
	} {
		if i >= len(said) || !strings.HasPrefix(said[i], want) || i < 4 && said[i] != want {
			t.Errorf("line %d is not %q: %q", i, want, said)
		}
	}
	if old, now := elements(p.document, "del"), elements(p.document, "ins"); textOf(old[0]) != "https://a" || textOf(now[0]) != "https://b" || textOf(now[1]) != "x" {
		t.Errorf("changes: %q", said[4])
	}
	if who := p.cells("Who"); who[4] != "ann" || who[3] != "On the command line: "+kept || who[2] != "Somebody who was not signed in" || who[0] != "The server" {
		t.Errorf("who: %q", who)
	}
	if from := p.cells("From"); from[4] != "192.0.2.1Requestreq-1" || from[0] != "this server" {
		t.Errorf("from: %q", from)
	}
	if when := p.cells("When"); len(when) == 0 || when[0] != w.now().UTC().Format("2006-01-02 15:04 UTC") {
		t.Errorf("when: %q", when)
	}
	if to := p.link("Shop =<script"); to != "/admin/auth-clients/"+c.ClientID {
		t.Errorf("the client is linked to %q", to)
	}
	if p.link("ann") != "" {
		t.Error("links to a user whom the visitor may not see")
	}
	if strings.Contains(p.Body.String(), "<script>alert") {
		t.Error("what people typed is markup")
	}
}

func TestAuditLogLinksOnlyToWhatIsThere(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(w.superAdmin("root"))
	g, err := w.people.CreateGroup(w.system(), account.NewGroup{Name: "Crew"})
	ok(t, err)
	ann := w.user("ann")
	ok(t, w.people.AddMember(w.system(), g.ID, ann.ID))
	p := b.open("/admin/audit?object=Crew")
	if p.link("Crew") != "/admin/groups/"+g.ID {
		t.Errorf("the group is linked to %q", p.link("Crew"))
	}
	ok(t, w.people.DeleteGroup(w.system(), g.ID))
	p = b.open("/admin/audit?object=" + g.ID).shows("deleted the group Crew")
	if to := p.link("Crew"); to != "" {
		t.Errorf("a group that is gone is linked to %q", to)
	}
}

func TestAuditLogIsNarrowed(t *testing.T) {
	w := newWorld(t)
	ann := w.user("ann")
	c := w.client(oauth.Registration{ClientName: "Shop", RedirectURIs: []string{callback}})
	begin := w.now().UTC()
	byAnn := account.Actor{Kind: account.ActorUser, ID: ann.ID, Name: "ann"}
	w.note(account.Event{Action: "client.disabled", Object: "client:" + c.ClientID, Actor: byAnn})
	w.move(24 * time.Hour)
	w.note(account.Event{Action: "key.rotated", Object: "key:all", Actor: byAnn})
	w.note(account.Event{Action: "user.blocked", Object: "user:" + ann.ID})
	today, yesterday := w.now().UTC().Format(time.DateOnly), begin.Format(time.DateOnly)
	b := w.as("reader", account.ViewAudit)
	for query, want := range map[string][]string{
		"?actor=ann": {"key.rotated", "client.disabled"}, "?actor=ANN": {"key.rotated", "client.disabled"}, "?actor=" + ann.ID: {"key.rotated", "client.disabled"},
		"?actor=nobody": nil,
		"?object=Shop":  {"client.disabled", "client.created"}, "?object=client:" + c.ClientID: {"client.disabled", "client.created"},
		"?object=" + c.ClientID: {"client.disabled", "client.created"}, "?object=key": {"key.rotated"}, "?object=ann": {"user.blocked", "user.created"},
		"?object=" + ann.ID: {"user.blocked", "user.created"}, "?object=nothing+of+that+name": nil,
		"?action=client": {"client.disabled", "client.created"}, "?action=key.rotated": {"key.rotated"}, "?action=nonsense": nil,
		"?action=client&actor=ann": {"client.disabled"}, "?actor=ann&to=" + yesterday: {"client.disabled"}, "?actor=ann&from=" + today: {"key.rotated"},
		"?actor=ann&from=" + yesterday + "&to=" + today: {"key.rotated", "client.disabled"}, "?action=client&from=2030-01-01": nil, "?to=2000-01-01": nil,
	} {
		p := b.open("/admin/audit" + query)
		var got []string
		for _, code := range elements(find(p.document, "main"), "code") {
			if attribute(code, "class") == "muted" {
				got = append(got, textOf(code))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, not %q", query, got, want)
		}
		if want == nil {
			p.shows("No Data Available")
		}
		f := p.form("Filter")
		for pair := range strings.SplitSeq(strings.TrimPrefix(query, "?"), "&") {
			name, value, _ := strings.Cut(pair, "=")
			if got := f.value(name); got != strings.ReplaceAll(value, "+", " ") && name != "action" {
				t.Errorf("%s: the field %s holds %q", query, name, got)
			}
		}
		if p.link("Show everything") != "/admin/audit" {
			t.Errorf("%s: no way back to everything", query)
		}
	}
	if b.open("/admin/audit").link("Show everything") != "" {
		t.Error("everything is shown, and offered")
	}
}

func TestMalformedDatesAreToldAtTheirFields(t *testing.T) {
	w := newWorld(t)
	b := w.as("auditor", account.ViewAudit)
	p := b.get("/admin/audit?actor=x&from=yesterday&to=2026-02-30").wantStatus(http.StatusUnprocessableEntity)
	if !strings.Contains(p.faultOf("from"), "2026-11-22") || p.faultOf("to") == "" || p.form("Filter").value("actor") != "x" {
		t.Errorf("faults %q, %q", p.faultOf("from"), p.faultOf("to"))
	}
	for _, file := range []string{"csv", "jsonl"} {
		if got := b.get("/admin/audit." + file + "?from=yesterday"); got.Code != http.StatusBadRequest || got.Header().Get("Content-Disposition") != "" {
			t.Errorf("%s: %d", file, got.Code)
		}
	}
}

func TestAuditLogLeadsThroughAllEventsOnce(t *testing.T) {
	w := newWorld(t)
	b := w.as("auditor", account.ViewAudit)
	for i := range 120 {
		w.note(account.Event{Action: "key.rotated", Object: fmt.Sprintf("key:k%03d", 119-i)})
	}
	p, sizes := b.open("/admin/audit?action=key"), []int{}
	var seen []string
	for {
		cells := p.cells("What")
		sizes, seen = append(sizes, len(cells)), append(seen, cells...)
		if p.link("Older ›") == "" {
			break
		}
		w.note(account.Event{Action: "key.rotated", Object: "key:later"}) // moves nothing below
		p = p.click("Older ›").wantStatus(http.StatusOK)
		if p.link("« Newest") != "/admin/audit?action=key" {
			t.Errorf("the newest are at %q", p.link("« Newest"))
		}
	}
	if !slices.Equal(sizes, []int{50, 50, 20}) || !slices.IsSorted(seen) || len(slices.Compact(slices.Clone(seen))) != 120 {
		t.Errorf("pages of %d, sorted %t", sizes, slices.IsSorted(seen))
	}
	for _, cursor := range []string{"x", "evt_", "evt_zz", "evt_1%00", strings.Repeat("9", 4000), "evt_" + strings.Repeat("a", 65)} {
		if got := b.open("/admin/audit?action=key&cursor=" + cursor).cells("What"); len(got) != 50 {
			t.Errorf("cursor %.20s: %d events", cursor, len(got))
		}
	}
	for _, query := range []string{"?actor=%ff", "?object=%00", "?action=" + strings.Repeat("a", 5000), "?object=client:" + strings.Repeat("x", 200), "?actor=" + strings.Repeat("ü", 120)} {
		b.open("/admin/audit" + query)
	}
}

func TestAuditLogIsExportedAsCSV(t *testing.T) {
	w := newWorld(t)
	b := w.as("auditor", account.ViewAudit)
	for _, name := range []string{"=1+1", "+1", "-1", "@sum", "\tx", hostile, "plain"} {
		w.note(account.Event{Action: "client.deleted", Object: "client:x", Detail: map[string]string{"client_name": name}, Actor: account.Actor{Kind: account.ActorUser, ID: "u", Name: name}})
	}
	for link, path := range map[string]string{"Export as CSV": "/admin/audit.csv", "Export as JSON lines": "/admin/audit.jsonl"} {
		if got := b.open("/admin/audit?action=client&actor=plain").link(link); got != path+"?action=client&actor=plain" {
			t.Errorf("%s leads to %q", link, got)
		}
	}
	p := b.open("/admin/audit.csv?action=client")
	if h := p.Header(); h.Get("Content-Type") != "text/csv; charset=utf-8" || h.Get("Content-Disposition") != `attachment; filename="audit.csv"` ||
		h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers: %v", h)
	}
	rows, err := csv.NewReader(p.Body).ReadAll()
	ok(t, err)
	if len(rows) != 8 || rows[0][0] != "time" || rows[0][4] != "actor_name" {
		t.Fatalf("%q", rows)
	}
	for i, want := range []string{"plain", "'=<script>", `\tx`, "'@sum", "'-1", "'+1", "'=1+1"} { // the log itself keeps no tab
		if !strings.HasPrefix(rows[i+1][4], want) {
			t.Errorf("row %d: %q", i+1, rows[i+1])
		}
	}
	for _, row := range rows[1:] {
		for _, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r\n") {
				t.Errorf("a spreadsheet computes %q", cell)
			}
		}
		if row[1] != "client.deleted" || row[6] != "client:x" || !strings.HasPrefix(row[7], `{"client_name":`) || row[9] == "" {
			t.Errorf("%q", row)
		}
	}
}

func TestAuditLogIsExportedAsJSONLines(t *testing.T) {
	w := newWorld(t)
	b := w.as("auditor", account.ViewAudit)
	var noted []*account.Event
	for i := range 1203 { // more than a page of the store
		noted = append(noted, w.note(account.Event{Action: "key.rotated", Object: fmt.Sprint("key:", i), Detail: map[string]string{"a": hostile}}))
	}
	slices.Reverse(noted)
	lines := strings.Split(strings.TrimSuffix(b.open("/admin/audit.jsonl?action=key.rotated").Body.String(), "\n"), "\n")
	if len(lines) != len(noted) {
		t.Fatalf("%d lines", len(lines))
	}
	for i, line := range lines {
		var e account.Event
		ok(t, json.Unmarshal([]byte(line), &e))
		if e.ID != noted[i].ID || e.Detail["a"] != noted[i].Detail["a"] || !e.Time.Equal(noted[i].Time) {
			t.Fatalf("line %d: %s", i, line)
		}
	}
	if got := b.open("/admin/audit.jsonl?action=nothing.at_all"); got.Body.Len() != 0 {
		t.Errorf("no event is %q", got.Body)
	}
	if got := b.open("/admin/audit.csv?action=nothing.at_all").Body.String(); strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "time,") {
		t.Errorf("no event is %q", got)
	}
	if got := b.do(http.MethodHead, "/admin/audit.csv", "", "").wantStatus(http.StatusOK); got.Header().Get("Content-Disposition") == "" {
		t.Error("HEAD tells less")
	}
}

// failing is a store that answers a number of lists and then none.
type failing struct {
	store.Backend
	lists atomic.Int64
}

func (f *failing) List(ctx context.Context, kind store.Kind, tag, cursor string, limit int) ([]store.Record, string, error) {
	if f.lists.Add(-1) < 0 {
		return nil, "", &store.UnavailableError{Op: "list", Err: errors.New("connection lost to 10.1.2.3")}
	}
	return f.Backend.List(ctx, kind, tag, cursor, limit)
}

func TestExportThatFailsInTheMiddleIsSeenToFail(t *testing.T) {
	w := newWorld(t)
	b := w.as("auditor", account.ViewAudit)
	b.get("/admin")
	for i := range 700 {
		ok(t, w.audit.Record(w.system(), account.Event{Action: "key.rotated", Object: fmt.Sprint("key:", i)}))
	}
	broken := &failing{Backend: w.store}
	w.configured(func(c *pages.Config) { c.Audit = account.NewAudit(broken, w.now) })
	server := httptest.NewServer(w.handler)
	defer server.Close()
	for _, file := range []string{"csv", "jsonl"} {
		broken.lists.Store(1)
		r, err := http.NewRequest(http.MethodGet, server.URL+base+"/admin/audit."+file, nil)
		ok(t, err)
		for name, value := range b.cookies {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		answer, err := server.Client().Do(r)
		ok(t, err)
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err == nil || answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %d, and the download ended well with %d bytes", file, answer.StatusCode, len(body))
		}
		lines := strings.Split(strings.TrimSpace(string(body)), "\n")
		if last := lines[len(lines)-1]; len(lines) < 500 || !strings.Contains(last, "incomplete") || strings.Contains(last, "10.1.2.3") {
			t.Errorf("%s: %d lines, the last is %q", file, len(lines), last)
		}

		broken.lists.Store(0) // before anything was sent there is a page to tell it
		got := b.get("/admin/audit." + file).wantStatus(http.StatusServiceUnavailable)
		if got.Header().Get("Content-Disposition") != "" || got.Header().Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s: %v", file, got.Header())
		}
	}
	broken.lists.Store(0)
	b.get("/admin/audit").wantStatus(http.StatusServiceUnavailable)
}
