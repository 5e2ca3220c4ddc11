package templates

import "time"

// clientPages are the pages of the area Auth Clients: the name of the file in admin/, and an empty struct.
var clientPages = map[string]any{
	"client_list":           ClientList{},
	"client_choice":         ClientChoice{},
	"client_form":           ClientForm{},
	"client":                ClientDetail{},
	"client_secret":         ClientSecretShown{},
	"client_secret_form":    ClientSecretForm{},
	"client_authorizations": ClientAuthorizations{},
	"client_history":        ClientHistory{},
	"client_ask":            ClientAsk{},
	"client_import":         ClientImport{},
	"client_imported":       ClientImported{},
}

// ClientList is the list of all auth clients.
type ClientList struct {
	Admin
	Listing Listing
	State   string // the query of this list, "" or "?q=x", for what comes back to it
	Rows    []ClientLine
	Fault   string // why nothing was done with the selected ones, may be empty

	CanCreate, CanEdit, CanDelete, CanRevoke bool
}

// CanSelect reports whether there is anything to do with several clients at once.
func (l ClientList) CanSelect() bool { return l.CanEdit || l.CanDelete || l.CanRevoke }

// ClientLine is a client in the list.
type ClientLine struct {
	Number   int64
	ID, Name string
	Redirect string // the first redirect URI
	More     int    // how many others there are
	Grants   []string
	LastUsed time.Time
	Disabled bool
	BuiltIn  bool
}

// ClientChoice asks what kind of application a new client is for.
type ClientChoice struct {
	Admin
	Kinds Choices
}

// ClientForm creates or edits a client. In which of the two it is used shows in Saved: it is nil for a new one.
type ClientForm struct {
	Admin
	Action  string // where the form goes, below Base
	Cancel  string // where it leads to leave it, below Base
	Saved   *ClientSaved
	Faults  []Fault
	Basics  []Input // name
	Grants  Choices
	Address Input // redirect URIs
	Kind    Choices
	APIs    *APIChoices // nil: there are none, or the reader may not see them
	Scopes  []Input
	More    []ClientGroup // advanced settings
	Open    bool          // show the advanced settings: one of them has a fault, or is not as usual
}

// ClientGroup is a group of advanced settings.
type ClientGroup struct {
	Title   string
	Inputs  []Input
	Choices []Choices
}

// ClientSaved is what of a client being edited cannot be edited.
type ClientSaved struct {
	Name     string
	Version  string
	Conflict *ClientConflict
}

// ClientConflict tells that somebody else saved first.
type ClientConflict struct {
	Who     string // "" where the reader may not know
	When    time.Time
	Changes []Change // Old is what is saved now, New is what was typed
}

// ClientDetail is the page of a client.
type ClientDetail struct {
	Admin
	ClientHead
	Settings       []ClientFact
	APIs           []ClientAPI
	Secrets        []ClientSecretLine
	Confidential   bool
	CanSecrets     bool   // may add, rotate and revoke secrets
	SecretsWhyNot  string // why not, where the permission alone would allow it
	Period         string // of the plot: "day" or "week"
	Plot           *Plot  // nil: the reader may not see it
	Authorizations []AuthorizationLine
	MoreLive       bool // there are more than those
	Live           *LiveCount
	Events         []EventLine
	Snippets       []SnippetGroup
}

// ClientHead is what stands above every page of a client.
type ClientHead struct {
	ID, Name  string
	Disabled  bool
	BuiltIn   bool
	Tab       string // settings, authorizations, history
	CanEdit   bool
	CanEnable bool // CanEdit, and it holds no more than the reader does
	CanDelete bool
	CanRevoke bool
	CanTokens bool // see authorizations
	CanAudit  bool

	CanRefusals bool // see what it was refused
}

// ClientFact is a setting in words. Items are values of machines, one below the other; Texts are sentences.
type ClientFact struct {
	Label string
	Items []string
	Chips []string
	Text  string
	Name  string // of somebody
	Path  string // where there is a page about Name, below Base
	Time  time.Time
	Timed bool // Time is the value, zero: never
	Ago   bool
}

// ClientSecretLine is a secret in the list of those that a client has.
type ClientSecretLine struct {
	ID, Name, Prefix           string
	Created, LastUsed, Expires time.Time
	Expired                    bool
}

// AuthorizationLine is something that a user allowed, and that still stands.
type AuthorizationLine struct {
	ID       string
	User     string
	UserPath string // "" where the reader may not see users; below Base
	Scopes   []string
	Issued   time.Time
	LastUsed time.Time
}

// LiveCount says how much would end with a client.
type LiveCount struct {
	Authorizations int
	More           bool
	Machine        int64
}

// Text says the count in words.
func (l LiveCount) Text() string {
	users := count(l.Authorizations, "live authorization of a user", "live authorizations of users")
	if l.More {
		users = "more than " + users
	}
	own := "up to " + count(int(l.Machine), "live token that it got for itself", "live tokens that it got for itself")
	switch {
	case l.Machine == 0:
		return users
	case l.Authorizations == 0:
		return own
	}
	return users + " and " + own
}

// MachineText says in words how many tokens the client got for itself.
func (l LiveCount) MachineText() string { return count(int(l.Machine), "token", "tokens") }

// Nothing reports that there is nothing to end.
func (l LiveCount) Nothing() bool { return l.Authorizations == 0 && l.Machine == 0 }

// SnippetGroup is what can be done with a client, in several languages.
type SnippetGroup struct {
	ID, Title, Text string
	Snippets        []Snippet
}

// Snippet is a piece of a program to copy.
type Snippet struct{ ID, Language, Code string }

// ClientSecretShown shows a secret, this once.
type ClientSecretShown struct {
	Admin
	ID, Name string // of the client
	Created  bool   // the client is new as well
	Secret   string
	Expires  time.Time
	Ended    string // what becomes of the other secrets, a sentence, may be empty
	Next     string // where to go on, below Base
}

// ClientSecretForm asks for what a secret is made from: one more, or one instead of the others.
type ClientSecretForm struct {
	Admin
	ClientHead
	Action string
	Rotate bool
	Faults []Fault
	Inputs []Input
}

// ClientAuthorizations lists what users allowed a client.
type ClientAuthorizations struct {
	Admin
	ClientHead
	Lines []AuthorizationLine
	Steps Steps
	Live  *LiveCount
}

// ClientHistory lists what was done to a client.
type ClientHistory struct {
	Admin
	ClientHead
	Events []EventLine
	Steps  Steps
	All    string // the audit log of the client, below Base
}

// ClientAsk asks whether something is really meant, before it is done to one client or to several.
type ClientAsk struct {
	Admin
	Question string
	Name     string // stands within the question, where it is about one client
	Rest     string // of the question, behind the name
	Points   []string
	Clients  []ClientAsked // where it is about several
	Action   string        // below Base
	Fields   []Field
	Button   string
	Cancel   string // below Base
}

// ClientAsked is one of several clients.
type ClientAsked struct {
	ID, Name string
	Live     *LiveCount // nil: the reader may not know
}

// ClientImport takes a file of clients, and shows what it would change before it does.
type ClientImport struct {
	Admin
	Text    Input
	Faults  []Fault
	Checked bool   // the lines below say what would be done
	Seen    string // names exactly what they say
	Lines   []ImportLine
}

// Ready reports whether there is something to do, and nothing in its way.
func (c ClientImport) Ready() bool {
	if !c.Checked || len(c.Faults) > 0 {
		return false
	}
	for _, l := range c.Lines {
		if l.Outcome != "unchanged" {
			return true
		}
	}
	return false
}

// ImportLine says what an import does to a client.
type ImportLine struct {
	ID, Name string
	Outcome  string // created, updated, unchanged
	Changes  []Change
}

// ClientImported says what an import did, with the secrets that it made, this once.
type ClientImported struct {
	Admin
	Failed  string // why it stopped, a sentence, may be empty
	Lines   []ImportLine
	Secrets []Field // client_id and secret
}
