package templates

import "time"

// refusalPages are the pages about refused requests: the name of the file in admin/, and an empty struct.
var refusalPages = map[string]any{
	"refusals": AdminRefusals{},
	"refusal":  AdminRefusal{},
}

// AdminRefusals lists requests that were refused, the newest first, and asks for the id of one.
type AdminRefusals struct {
	Admin
	Find   Input  // the id of a request
	Client string // only those of this client; may be empty
	Lines  []RefusalLine
	Steps  Steps
}

// RefusalLine is one of them.
type RefusalLine struct {
	ID      string
	Time    time.Time
	Client  Mention // zero where none is known
	Claimed bool    // nobody has proven to be that client
	Rule    string  // or what was answered
	Near    string  // may be empty
	Error   string  // as programs were told, may be empty
}

// AdminRefusal says why one request was refused.
type AdminRefusal struct {
	Admin
	ID      string
	Rule    string // may be empty
	Source  string // may be empty
	Near    string // may be empty
	Answer  string // what the caller was told
	Error   string // may be empty
	Status  int
	Time    time.Time
	Expires time.Time
	Client  Mention
	Claimed bool
	Subject Mention
	Facts   []Field // what else is known
}

// Redirected reports whether the refusal was sent to the client, not answered to the browser.
func (r AdminRefusal) Redirected() bool { return r.Status < 400 }
