package templates

// Input is one field of a form, shown by {{template "field" .}}. Its zero value is a line of text.
type Input struct {
	ID           string // names the field as well, so that a Fault of that name finds it
	Label        string
	Type         string // "" is text; email, password, number, url, date, datetime-local; textarea; select
	Value        string // never shown of a password
	Hint         string // what a newcomer should know, may be empty
	Fault        string // a whole sentence, may be empty
	Placeholder  string // an example; it never stands for the label
	Autocomplete string // as HTML names it: "username", "new-password", "off"
	Suffix       string // the unit, behind the field: "minutes"
	Min, Max     string // of numbers and dates
	MaxLength    int    // characters
	Rows         int    // of a textarea
	Options      []Option
	Required     bool
	Optional     bool // says so behind the label
	Code         bool // holds addresses, ids or lists for machines: letters of one width, no spelling
	Focus        bool // has the focus when the page opens; one field at most
	ReadOnly     bool
}

// Option is one line of a field of the type select.
type Option struct{ Value, Text string }

// Kind is the type, "text" where none was given.
func (i Input) Kind() string {
	if i.Type == "" {
		return "text"
	}
	return i.Type
}

// Lines is how high a textarea is.
func (i Input) Lines() int {
	if i.Rows == 0 {
		return 4
	}
	return i.Rows
}

// Choice is a checkbox, or a radio button, shown by {{template "choice" .}}.
type Choice struct {
	ID       string
	Name     string
	Value    string
	Label    string
	Hint     string // one sentence, may be empty
	Mark     string // a short word behind the label, may be empty: "recommended"
	Radio    bool   // one of several, not any of them
	Checked  bool
	Disabled bool // cannot be chosen; Hint says why
}

// Choices are several that belong together, shown by {{template "choices" .}}.
type Choices struct {
	ID     string // names the field as well, so that a Fault of that name finds it
	Legend string
	Hint   string
	Fault  string
	Cards  bool // large ones, side by side: for the one important decision of a page
	Items  []Choice
}
