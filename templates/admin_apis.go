package templates

import "time"

// apiAreaPages are the pages of the area APIs: the name of the file in admin/, and an empty struct.
var apiAreaPages = map[string]any{
	"api_list":    APIList{},
	"api_detail":  APIDetail{},
	"api_form":    APIForm{},
	"api_delete":  APIDelete{},
	"api_history": APIHistory{},
}

// APIList is the list of all APIs.
type APIList struct {
	Admin
	Listing Listing
	Rows    []APIRow

	CanCreate, CanEdit, CanDelete bool
}

// CanAct reports whether there is anything to do with an API of the list.
func (l APIList) CanAct() bool { return l.CanEdit || l.CanDelete }

// APIRow is an API in the list.
type APIRow struct {
	ID, Name, Identifier string
	Scopes               []string // the first few
	More                 int      // how many others there are
	Clients              int
	Created              time.Time
}

// APIHead is what stands above every page of an API.
type APIHead struct {
	ID, Name   string
	Identifier string
	Tab        string // settings, history
	CanEdit    bool
	CanDelete  bool
	CanAudit   bool
}

// APIDetail is the page of an API.
type APIDetail struct {
	Admin
	APIHead
	Settings   []ClientFact
	Scopes     []APIScopeLine
	Count      int // of the clients that have it
	Clients    []APIClientLine
	Listing    Listing // of Clients
	CanClients bool    // the reader may see them
	Events     []EventLine
	Snippets   []SnippetGroup
}

// CountText says in words how many clients have the API.
func (d APIDetail) CountText() string {
	switch d.Count {
	case 0:
		return "No auth client has this API yet."
	case 1:
		return "One auth client has this API."
	}
	return count(d.Count, "auth client has", "auth clients have") + " this API."
}

// APIScopeLine is a scope of an API.
type APIScopeLine struct {
	Name, Sentence string
	BuiltIn        bool // nobody wrote the sentence: these are the words that the server itself has for such a scope
	Clients        int  // that have it
}

// APIClientLine is a client that has an API.
type APIClientLine struct {
	ID, Name string
	Scopes   []string // of this API
	Default  bool     // its tokens are for this API unless it asks for another
	Disabled bool
}

// APIForm registers or edits an API. Saved is nil for a new one. Besides its inputs it posts scope_name and
// scope_description, which repeat; "more" asks for more rows, "remove" for one row less.
type APIForm struct {
	Admin
	Action        string // below Base
	Cancel        string // below Base
	Saved         *ClientSaved
	Faults        []Fault
	Basics        []Input
	Scopes        []ScopeRow
	ScopeFault    string
	Tokens        []Input
	Introspection *Choices // nil where the client can only be named
	Client        Input
	Known         []Option // clients to choose from, may be empty
}

// ScopeRow is a scope as it is being written. Number begins at 1.
type ScopeRow struct {
	Number              int
	Name, Sentence      string
	NameFault, SayFault string
}

// APIDelete asks before an API is deleted, or says why it cannot be.
type APIDelete struct {
	Admin
	APIHead
	Count      int       // of the clients that still have it
	Clients    []Mention // the first of them, where the reader may see them
	Back       string    // below Base
	Introspect *Mention  // the client that it has for introspection, which stays
}

// More is how many clients are not named.
func (d APIDelete) More() int { return d.Count - len(d.Clients) }

// APIHistory lists what was done to an API.
type APIHistory struct {
	Admin
	APIHead
	Events []EventLine
	Steps  Steps
}

// APIChoices offers the registered APIs in the form of a client. Chosen stand first, so that they are seen.
type APIChoices struct {
	ID     string
	Fault  string // about all of them
	Chosen []APIChoice
	Others []APIChoice
	Fold   bool // there are many others, so they stand behind a line
	Filter bool // there are enough to look for one by typing
	More   int  // which are not offered
}

// APIChoice is an API in the form of a client, with its scopes.
type APIChoice struct {
	Box    Choice
	Scopes []Choice
	Open   bool // shows the scopes
	Fault  string
}

// Ticked counts the scopes that are ticked.
func (c APIChoice) Ticked() int {
	n := 0
	for _, s := range c.Scopes {
		if s.Checked {
			n++
		}
	}
	return n
}

// ClientAPI is an API that a client has, with what it has of its scopes.
type ClientAPI struct {
	Name, Identifier string
	Path             string // below Base, "" where there is no page of it that the reader may see
	Default          bool
	Scopes           []ScopeLine
}
