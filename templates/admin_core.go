package templates

// corePages are what any page of the administration may turn into.
var corePages = map[string]any{
	"message": AdminMessage{},
	"confirm": AdminConfirm{},
}

// AdminMessage says in one sentence why a page cannot be shown. The Title of its frame is its heading.
type AdminMessage struct {
	Admin
	Text      string
	RequestID string // so that support finds the event
}

// AdminConfirm asks for the password once more, and sends the form that waited for it.
type AdminConfirm struct {
	Admin
	Action string  // the path that the form goes to, below Base
	Fields []Field // what was filled in, without passwords
	Fault  string  // a whole sentence, may be empty
}

// Input is the field for the password.
func (c AdminConfirm) Input() Input {
	return Input{
		ID: "confirm_password", Label: "Your password", Type: "password", Autocomplete: "current-password", Required: true, Focus: true, Fault: c.Fault,
	}
}
