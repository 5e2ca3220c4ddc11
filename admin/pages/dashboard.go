package pages

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

func dashboardPages() handlers { return handlers{"GET /admin/dashboard": (*site).dashboard} }

// How long the dashboard waits for the store, and when it calls it slow. A page that tells how the store is must not hang
// with it.
const (
	pingWait  = 2 * time.Second
	countWait = 5 * time.Second
	slowPing  = 250 * time.Millisecond
)

// periods are what the dashboard can tell of.
var periods = []struct {
	period oauth.Period
	text   string
}{{oauth.Hour, "Last hour"}, {oauth.Day, "Last day"}, {oauth.Week, "Last week"}}

func (s *site) dashboard(w http.ResponseWriter, r *http.Request, v *visit) error {
	period := oauth.Day
	page := templates.AdminDashboard{
		Admin: s.frame(r, v, "dashboard", "Dashboard"), Version: s.Version, Started: s.Started, Lists: lists(v),
	}
	for _, p := range periods {
		if r.URL.Query().Get("period") == string(p.period) {
			period = p.period
		}
	}
	for _, p := range periods {
		page.Periods = append(page.Periods, templates.Step{Path: "?period=" + string(p.period), Text: p.text, Current: p.period == period})
	}
	if v.may(account.ViewKeys) {
		page.Keys = s.currentKeys()
	}
	state := make(chan templates.StoreState, 1)
	go func() { state <- s.storeState(r.Context()) }()
	s.count(r.Context(), v, period, &page)
	page.Store = <-state
	return s.show(w, r, page)
}

// count fills in the numbers of a period. Where they cannot be read the page says so and shows the rest.
func (s *site) count(ctx context.Context, v *visit, period oauth.Period, page *templates.AdminDashboard) {
	ctx, cancel := context.WithTimeout(ctx, countWait)
	defer cancel()
	found, err := s.Provider.Statistics(ctx, period)
	if err != nil {
		page.Unread = "The numbers cannot be read at the moment, because the store does not answer. Please open this page again in a while."
		return
	}
	over := "over the last " + string(period) + "."
	page.Issued = templates.Plot{
		ID: "issued", Title: "Tokens issued", Text: "By how they were obtained, " + over, Noun: "tokens",
		From: found.From, Step: found.Step, Series: plotted(found.Issued, issuedTitle),
	}
	page.Refused = templates.Plot{
		ID: "refused", Title: "Requests refused", Text: "By reason, " + over, Noun: "requests",
		From: found.From, Step: found.Step, Series: plotted(found.Refused, func(code string) string { return reasonOf(code).title }),
	}
	for _, series := range found.Refused {
		why := reasonOf(series.Name)
		if series.Total > 0 {
			page.Reasons = append(page.Reasons, templates.Reason{Code: series.Name, Title: why.title, Sentence: why.sentence, Count: series.Total})
		}
	}
	page.Tiles = []templates.Tile{
		tile(page.Issued.Total(), "token issued", "tokens issued"), tile(page.Refused.Total(), "request refused", "requests refused"),
		tile(found.ActiveClients, "active auth client", "active auth clients"), tile(found.ActiveUsers, "active user", "active users"),
	}
	if v.may(account.ViewClients) {
		page.Tiles[2].Path = "/admin/auth-clients?sort=-last_used"
	}
	if v.may(account.ViewUsers) {
		page.Tiles[3].Path = "/admin/users"
	}
}

func tile(n int64, one, many string) templates.Tile {
	if n == 1 {
		return templates.Tile{Number: n, Text: one}
	}
	return templates.Tile{Number: n, Text: many}
}

func plotted(series []oauth.Series, title func(string) string) []templates.PlotSeries {
	shown := make([]templates.PlotSeries, len(series))
	for i, one := range series {
		shown[i] = templates.PlotSeries{Name: title(one.Name), Counts: one.Counts}
	}
	return shown
}

// storeState asks the store whether it answers, and how fast.
func (s *site) storeState(ctx context.Context) templates.StoreState {
	ctx, cancel := context.WithTimeout(ctx, pingWait)
	defer cancel()
	began := s.Now()
	err := s.Ping(ctx)
	took := s.Now().Sub(began)
	return templates.StoreState{Kind: cmp.Or(storeKinds[s.Store], s.Store), Answers: err == nil, Slow: took >= slowPing, Took: took}
}

func (s *site) currentKeys() []templates.CurrentKey {
	var keys []templates.CurrentKey
	for _, k := range s.Keys.Status() {
		if k.State == oauth.KeyCurrent {
			keys = append(keys, templates.CurrentKey{Algorithm: string(k.Algorithm), Since: k.Activated})
		}
	}
	return keys
}

// lists leads to the other pages of the administration that the visitor may see.
func lists(v *visit) []templates.Link {
	var links []templates.Link
	for _, item := range menu(v.Rights) {
		if hint := listHints[item.Key]; hint != "" {
			links = append(links, templates.Link{Path: item.Path, Text: item.Text, Hint: hint})
		}
	}
	return links
}

// listHints say what there is to see.
var listHints = map[string]string{
	"clients": "The applications that may ask this server for tokens.",
	"users":   "The people who can sign in, and what they may do.",
	"groups":  "What several people may do together.",
	"audit":   "Who did what, when and from where.",
	"keys":    "What tokens are signed with.",
}
