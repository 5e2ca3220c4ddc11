package templates

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Frame is what every page has around it; its zero value works.
type Frame struct {
	Base     string // path before every link, when the issuer has one: "/tenant"
	Host     string // name of this server, for the footer
	SignedIn string // name of the person, "" for a guest
}

// Person is how a user is shown to himself.
type Person struct {
	Name     string // may be empty
	Username string
}

// Shown is the name, or the username of somebody without one.
func (p Person) Shown() string {
	if p.Name == "" {
		return p.Username
	}
	return p.Name
}

// Link leads to a page of our own; Path is a constant of the program, never taken from a request.
type Link struct {
	Path string // "/account/apps"
	Text string
	Hint string // one line about what is there, may be empty
}

// Login asks for username and password. It posts username, password, interaction, form_token and next to /login.
type Login struct {
	Frame
	ClientName  string        // the application that the person is signing in for, "" for none
	Username    string        // as typed before, or hinted at
	Error       string        // a whole sentence
	RetryAfter  time.Duration // when more than 0: how long to wait
	FormToken   string
	Interaction string
	Next        string
}

// Problem is the error, and how long to wait where there is a time for it; "" when all is well.
func (l Login) Problem() string { return problem(l.Error, l.RetryAfter) }

func problem(text string, retryAfter time.Duration) string {
	if retryAfter <= 0 {
		return text
	}
	return strings.TrimSpace(text + " Please wait " + inWords(retryAfter) + " and try again.")
}

// Device asks for the code that a device shows. It posts user_code and form_token to /device.
type Device struct {
	Frame
	UserCode   string        // as typed before, or as a link brought it
	Linked     bool          // a link brought it: the person compares it
	Error      string        // a whole sentence
	RetryAfter time.Duration // when more than 0: how long to wait
	FormToken  string
}

// Problem is the error, and how long to wait where there is a time for it; "" when all is well.
func (d Device) Problem() string { return problem(d.Error, d.RetryAfter) }

// Consent asks whether a client may have what it asks for. It posts decision (allow or deny), interaction and form_token to
// /consent; "use another account" leads to /login with the interaction.
type Consent struct {
	Frame
	ClientName   string
	ClientID     string
	ClientURI    string // as registered; only its host is shown, and never as a link
	RedirectHost string // where the answer goes: a host, or the scheme of an app; "" where a device waits for it
	Device       bool   // a device asks, which nobody has proven to be the user's
	User         Person
	Groups       []ScopeGroup
	Audiences    []string // what else the tokens are meant for, of which there is no record
	FormToken    string
	Interaction  string
}

// ScopeGroup is what is asked for at one API. Name and Identifier are empty for what belongs to none.
type ScopeGroup struct {
	Name, Identifier string
	Scopes           []ScopeLine
}

// ScopeLine is one permission in words.
type ScopeLine struct {
	Name     string
	Sentence string // "Read your profile", "" shows the name alone
	New      bool   // was not allowed before
}

// Site is the host of the client's own address, or "".
func (c Consent) Site() string {
	u, err := url.Parse(c.ClientURI)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// Logout asks whether to sign out. It posts form_token, and next where it is not empty, to /logout.
type Logout struct {
	Frame
	UserName  string
	FormToken string
	Next      string
}

// Message says one thing: that something failed when Status is 400 or more, else that something is done.
type Message struct {
	Frame
	Title     string
	Text      string
	Status    int
	RequestID string // shown with failures, so that support finds the event
	Action    *Link  // may be nil
	Plain     bool   // nothing was done, and nothing failed: there is no sign
}

// Failed tells an error from an information.
func (m Message) Failed() bool { return m.Status >= 400 }

// FormPost sends an authorization response to the client as a form (response_mode form_post).
type FormPost struct {
	Frame
	Action string // the redirect URI, proven, http or https
	Fields []Field
}

// Field is one hidden field of a form.
type Field struct{ Name, Value string }

// Home is where a person lands who came for no application. Links lead to whatever else there is for him.
type Home struct {
	Frame
	User  Person // zero for a guest
	Links []Link
}

// Setup makes the first super admin. It posts username, name, email, password, token and form_token to /setup.
type Setup struct {
	Frame
	Token       string
	FormToken   string
	Username    string
	Name        string
	Email       string
	MinPassword int // characters, said before anybody types
	Faults      []Fault
}

// Fault is what is wrong with one field of a form, as a whole sentence; with an empty Field it concerns the whole form.
type Fault struct{ Field, Message string }

// Fault returns what is wrong with a field, or "".
func (s Setup) Fault(field string) string {
	for _, fault := range s.Faults {
		if fault.Field == field {
			return fault.Message
		}
	}
	return ""
}

func inWords(d time.Duration) string {
	seconds := int((d + time.Second - 1) / time.Second)
	if seconds == 1 {
		return "1 second"
	}
	if seconds < 90 {
		return fmt.Sprintf("%d seconds", seconds)
	}
	return fmt.Sprintf("%d minutes", (seconds+59)/60)
}
