package pages

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/web"
)

// A download may take longer than other answers, as long as it moves: exportDeadline is for every exportBatch events.
const (
	exportDeadline = time.Minute
	exportBatch    = 500
)

// eventWriter writes events in a form that programs read.
type eventWriter interface {
	begin() error
	event(*account.Event) error
	broken() error // says that events are missing behind this place
	flush() error
}

func (s *site) auditCSV(w http.ResponseWriter, r *http.Request, _ *visit) error {
	return s.exportAudit(w, r, download{"text/csv; charset=utf-8", "audit.csv", newCSVEvents(w)})
}

func (s *site) auditJSONL(w http.ResponseWriter, r *http.Request, _ *visit) error {
	return s.exportAudit(w, r, download{"application/jsonl; charset=utf-8", "audit.jsonl", newJSONEvents(w)})
}

// download is a file that is made while it is sent.
type download struct {
	kind, name string
	to         eventWriter
}

// exportAudit streams what the filter asks for. What fails before the first event is an ordinary refusal. Behind that the
// file says in its last line that it ends too early, and the connection is broken, so that a browser calls the download
// failed as well: nobody takes half a log for the whole.
func (s *site) exportAudit(w http.ResponseWriter, r *http.Request, d download) error {
	f := readAuditFilter(r.URL.Query())
	if f.faulty() {
		return errFilter
	}
	query, err := s.auditQuery(r.Context(), f)
	if err != nil {
		return err
	}
	if r.Method == http.MethodHead {
		return s.beginExport(w, d)
	}
	n := 0
	err = s.Audit.Each(r.Context(), query, func(e *account.Event) error {
		if n++; n == 1 {
			if err := s.beginExport(w, d); err != nil {
				return err
			}
		}
		if n%exportBatch == 0 {
			moving(w)
		}
		return d.to.event(e)
	})
	if err != nil && n == 0 {
		return err
	}
	if err == nil && n == 0 {
		err = s.beginExport(w, d)
	}
	if err == nil {
		err = d.to.flush()
	}
	if err != nil {
		abandon(w, r, d, err)
	}
	return nil
}

func (s *site) beginExport(w http.ResponseWriter, d download) error {
	moving(w)
	web.NoStore(w.Header())
	w.Header().Set("Content-Type", d.kind)
	w.Header().Set("Content-Disposition", `attachment; filename="`+d.name+`"`)
	w.Header().Set("Content-Security-Policy", "default-src 'none'; sandbox")
	w.WriteHeader(http.StatusOK)
	return d.to.begin()
}

func moving(w http.ResponseWriter) {
	// Without this the deadline of all answers applies; a writer that knows no deadlines has none.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(exportDeadline))
}

func abandon(w http.ResponseWriter, r *http.Request, d download, err error) {
	event := web.EventFrom(r.Context())
	event.Error, event.Description, event.Cause = "export_incomplete", "the export of the audit log ended too early", err
	_ = d.to.broken() // whoever reads may be gone; the broken connection tells as well
	_ = d.to.flush()
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// exportBroken stands in the last line of a file that ends too early.
const exportBroken = "export incomplete: older events are missing, because the server could not read them"

type csvEvents struct{ *csv.Writer }

func newCSVEvents(w io.Writer) csvEvents { return csvEvents{csv.NewWriter(w)} }

func (c csvEvents) begin() error {
	return c.Write([]string{"time", "action", "actor_kind", "actor_id", "actor_name", "address", "object", "detail", "request_id", "id"})
}

func (c csvEvents) event(e *account.Event) error {
	detail := ""
	if len(e.Detail) > 0 {
		text, err := plainJSON(e.Detail)
		if err != nil {
			return err
		}
		detail = strings.TrimSuffix(text, "\n")
	}
	return c.Write(inert(
		e.Time.UTC().Format(time.RFC3339Nano), e.Action, e.Actor.Kind, e.Actor.ID, e.Actor.Name, e.Actor.Address, e.Object, detail, e.RequestID, e.ID,
	))
}

func (c csvEvents) broken() error { return c.Write([]string{exportBroken}) }

func (c csvEvents) flush() error {
	c.Flush()
	return c.Error()
}

// inert keeps a spreadsheet from taking what people typed for a formula: such a cell begins with an apostrophe.
func inert(cells ...string) []string {
	for i, cell := range cells {
		if cell != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(cell)[0]) {
			cells[i] = "'" + cell
		}
	}
	return cells
}

type jsonEvents struct{ *bufio.Writer }

func newJSONEvents(w io.Writer) jsonEvents { return jsonEvents{bufio.NewWriter(w)} }

func (j jsonEvents) begin() error { return nil }

func (j jsonEvents) event(e *account.Event) error { return j.line(e) }

func (j jsonEvents) broken() error { return j.line(map[string]string{"error": exportBroken}) }

func (j jsonEvents) flush() error { return j.Flush() }

func (j jsonEvents) line(value any) error {
	text, err := plainJSON(value)
	if err != nil {
		return err
	}
	_, err = j.WriteString(text)
	return err
}

// plainJSON is one line of JSON. Signs of HTML stay as they are: this is no page.
func plainJSON(value any) (string, error) {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return text.String(), err
}
