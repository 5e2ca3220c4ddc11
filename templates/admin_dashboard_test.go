package templates

import (
	"testing"
	"time"
)

// dashboardSamples are the pages of the dashboard, filled with hostile values.
func dashboardSamples() []any {
	a := hostileAdmin()
	a.Section = "dashboard"
	return []any{
		AdminDashboard{
			Admin: a, Periods: []Step{{Path: "?period=hour", Text: "Hour"}, {Path: "?period=day", Text: "Day", Current: true}},
			Tiles:   []Tile{{12, hostile, "/admin/users"}, {0, hostile, ""}},
			Issued:  Plot{ID: "issued", Title: "Issued", Noun: "tokens", From: demoNow, Step: time.Minute, Series: []PlotSeries{{hostile, []int64{1, 2}}}},
			Refused: Plot{ID: "refused", Title: "Refused", Noun: "requests", From: demoNow, Step: time.Minute},
			Reasons: []Reason{{hostile, hostile, hostile, 3}}, Store: StoreState{Kind: hostile, Answers: true, Slow: true, Took: time.Second},
			Version: hostile, Started: demoNow, Keys: []CurrentKey{{"ES256", demoNow}}, Lists: []Link{{"/admin/users", hostile, hostile}},
		},
		AdminDashboard{Admin: a, Unread: hostile},
	}
}

func TestTimeOfTheStoreIsToldInWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "in less than a millisecond", time.Millisecond - 1: "in less than a millisecond", time.Millisecond: "in 1 millisecond",
		999 * time.Millisecond: "in 999 milliseconds", time.Second: "in 1.0 seconds", 1250 * time.Millisecond: "in 1.2 seconds",
	} {
		if got := (StoreState{Took: d}).InWords(); got != want {
			t.Errorf("%s is told as %q", d, got)
		}
	}
}
