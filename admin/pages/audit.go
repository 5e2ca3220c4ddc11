package pages

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/templates"
)

func auditPages() handlers {
	return handlers{
		"GET /admin/audit":       (*site).audit,
		"GET /admin/audit.csv":   (*site).auditCSV,
		"GET /admin/audit.jsonl": (*site).auditJSONL,
	}
}

// auditPage is how many events a page shows.
const auditPage = 50

func (s *site) audit(w http.ResponseWriter, r *http.Request, v *visit) error {
	f := readAuditFilter(r.URL.Query())
	page := templates.AdminAudit{Admin: s.frame(r, v, "audit", "Audit log"), Filters: f.inputs(), Narrowed: f.narrowed()}
	if f.faulty() {
		s.write(w, r, formRefused, page)
		return nil
	}
	query, err := s.auditQuery(r.Context(), f)
	if err != nil {
		return err
	}
	query.Cursor, query.Limit = f.cursor, auditPage
	events, next, err := s.Audit.Find(r.Context(), query)
	if err != nil {
		return err
	}
	page.Events = s.eventLines(r.Context(), v, events)
	page.Steps = templates.Steps{Noun: "events", Shown: len(events), Further: f.further(next)}
	if len(events) == 1 {
		page.Steps.Noun = "event"
	}
	if f.cursor != "" {
		page.Steps.Newest = "?" + f.values().Encode()
	}
	page.CSV, page.JSONL = f.path("/admin/audit.csv"), f.path("/admin/audit.jsonl")
	return s.show(w, r, page)
}

// auditFilter is what the URL narrows the audit log to, as it was typed.
type auditFilter struct {
	actor, object, action string
	from, to              day
	cursor                string
}

// day is a date as it was typed.
type day struct {
	text  string
	begin time.Time // in UTC; zero where no date was typed
	wrong bool
}

func readDay(text string) day {
	if text == "" {
		return day{}
	}
	begin, err := time.Parse(time.DateOnly, text)
	return day{text, begin, err != nil}
}

func (d day) fault() string {
	if d.wrong {
		return "Write a date as year, month and day: 2026-11-22."
	}
	return ""
}

var cursorForm = regexp.MustCompile(`^evt_[0-9a-f]{1,64}$`)

func readAuditFilter(query url.Values) auditFilter {
	typed := func(name string) string {
		const most = 256
		text := strings.TrimSpace(query.Get(name))
		if len(text) > most || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return ""
		}
		return text
	}
	f := auditFilter{actor: typed("actor"), object: typed("object"), action: typed("action"), from: readDay(typed("from")), to: readDay(typed("to"))}
	if cursor := query.Get("cursor"); cursorForm.MatchString(cursor) {
		f.cursor = cursor
	}
	return f
}

func (f auditFilter) faulty() bool { return f.from.wrong || f.to.wrong }

func (f auditFilter) narrowed() bool { return len(f.values()) > 0 }

// values are the filters as they stand in a URL.
func (f auditFilter) values() url.Values {
	values := url.Values{}
	for name, text := range map[string]string{"actor": f.actor, "object": f.object, "action": f.action, "from": f.from.text, "to": f.to.text} {
		if text != "" {
			values.Set(name, text)
		}
	}
	return values
}

func (f auditFilter) path(path string) string {
	if query := f.values().Encode(); query != "" {
		return path + "?" + query
	}
	return path
}

// further leads to the events behind a cursor.
func (f auditFilter) further(cursor string) string {
	if cursor == "" {
		return ""
	}
	values := f.values()
	values.Set("cursor", cursor)
	return "?" + values.Encode()
}

func (f auditFilter) inputs() []templates.Input {
	return []templates.Input{
		{ID: "action", Label: "What was done", Type: "select", Value: f.action, Options: actionOptions(), Hint: "All of a kind, or one thing."},
		{ID: "actor", Label: "Who did it", Value: f.actor, Hint: "A username, or an id.", Autocomplete: "off", MaxLength: 255},
		{ID: "object", Label: "To whom or what", Value: f.object, Hint: "A name, or an id.", Autocomplete: "off", MaxLength: 255},
		{ID: "from", Label: "From", Type: "date", Value: f.from.text, Hint: "The first day, in UTC.", Fault: f.from.fault()},
		{ID: "to", Label: "To", Type: "date", Value: f.to.text, Hint: "The last day, in UTC.", Fault: f.to.fault()},
	}
}

// auditQuery is what the filter asks the audit log for.
func (s *site) auditQuery(ctx context.Context, f auditFilter) (account.AuditQuery, error) {
	query := account.AuditQuery{Actor: f.actor, Action: f.action, From: f.from.begin}
	if !f.to.begin.IsZero() {
		query.To = f.to.begin.AddDate(0, 0, 1) // the last day is within
	}
	var err error
	query.Object, err = s.auditObject(ctx, f.object)
	return query, err
}
