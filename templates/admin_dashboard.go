package templates

import (
	"strconv"
	"time"
)

// dashboardPages are the pages of the dashboard: the name of the file in admin/, and an empty struct.
var dashboardPages = map[string]any{
	"dashboard": AdminDashboard{},
}

// AdminDashboard shows at a glance what the server did and how it is.
type AdminDashboard struct {
	Admin
	Periods []Step // an hour, a day, a week
	Unread  string // why there are no numbers, a whole sentence; empty where there are
	Tiles   []Tile
	Issued  Plot
	Refused Plot
	Reasons []Reason // of what was refused, the most frequent first
	Store   StoreState
	Version string
	Started time.Time    // this node
	Keys    []CurrentKey // those that the reader may see
	Lists   []Link       // of the administration
}

// Tile is one number.
type Tile struct {
	Number int64
	Text   string // what is counted
	Path   string // to the list of it, below Base; may be empty
}

// Reason is why requests were refused.
type Reason struct {
	Code     string // as the protocol names it
	Title    string
	Sentence string
	Count    int64
}

// StoreState says how the store is.
type StoreState struct {
	Kind    string // in words
	Answers bool
	Slow    bool
	Took    time.Duration
}

// InWords is how long the store took.
func (s StoreState) InWords() string {
	switch {
	case s.Took < time.Millisecond:
		return "in less than a millisecond"
	case s.Took < time.Second:
		return "in " + count(int(s.Took/time.Millisecond), "millisecond", "milliseconds")
	}
	return "in " + strconv.FormatFloat(s.Took.Seconds(), 'f', 1, 64) + " seconds"
}

// CurrentKey is a key that signs now.
type CurrentKey struct {
	Algorithm string
	Since     time.Time
}
