package templates

import "time"

// auditPages are the pages of the audit log: the name of the file in admin/, and an empty struct.
var auditPages = map[string]any{
	"audit": AdminAudit{},
}

// AdminAudit is the audit log, the newest event first.
type AdminAudit struct {
	Admin
	Filters  []Input // actor, object, action, from, to
	Narrowed bool    // something is asked for
	CSV      string  // where the events that were asked for can be had as a file, below Base
	JSONL    string
	Events   []EventLine
	Steps    Steps
}

// EventLine is one event of the audit log as a sentence: Actor, Before, Object, After. {{template "event" .}} shows it as an
// item of ol.events; {{template "event-said" .}} and {{template "event-detail" .}} are its parts.
type EventLine struct {
	Time          time.Time
	Actor         Mention
	Before, After string  // "created", or all the words where there is no object to tell
	Object        Mention // zero where the sentence needs none
	Action        string  // as programs name it: "client.created"
	Changes       []Change
	Facts         []Field // what else is known
	Address       string  // from where, may be empty
	RequestID     string  // may be empty
}

// Mention names somebody or something.
type Mention struct {
	Kind string // in words, before the name: "the auth client"; may be empty
	Name string // as people chose it, or an id
	Path string // where there is a page of it that the reader may see; begins with Base
}

// Change is a setting before and after.
type Change struct{ Name, Old, New string }
