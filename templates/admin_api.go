package templates

// apiPages are the pages about the REST API.
var apiPages = map[string]any{
	"api_reference": APIReference{},
}

// APIReference is the reference of the REST API, for people. Everybody may read it, so nobody is signed in on it.
type APIReference struct {
	Admin
	Lead     []string // paragraphs
	Server   string   // where the API stands
	Document string   // path of the OpenAPI document, below Base
	Example  string   // a first request, to be pasted
	Parts    []APIPart
	Schemas  []APISchema
	Problems []APIProblem
}

// APIPart is a part of the API: what concerns one kind of things.
type APIPart struct {
	ID, Name, Text string
	Operations     []APIOperation
}

// APIOperation is one thing that can be asked for.
type APIOperation struct {
	ID, Method, Path, Summary string
	Text                      []string // paragraphs
	Parameters                []APIField
	Body                      *APIBody // nil: none
	Answers                   []APIAnswer
}

// Badge is the method as the style sheet colours it.
func (o APIOperation) Badge() string {
	switch o.Method {
	case "GET":
		return "info"
	case "POST":
		return "ok"
	case "DELETE":
		return "bad"
	}
	return "warn"
}

// APIField is a parameter, or a field of a schema.
type APIField struct {
	Name     string
	Place    string // where a parameter stands: "path", "query", "header"; "" for a field
	Type     APIType
	Required bool
	Note     string // "read-only"; may be empty
	Text     string // whole sentences
}

// APIType names a type. Schema is the ID of the schema that it is made of, "" for a plain one.
type APIType struct{ Words, Schema string }

// APIBody is what an operation takes.
type APIBody struct {
	MediaTypes []string
	Type       APIType
	Text       string // what comes of leaving it out; "" where it is needed
	Example    string // JSON; may be empty
}

// APIAnswer is one of the answers of an operation.
type APIAnswer struct {
	Status, Text string
	Type         APIType
}

// APISchema is a type with fields.
type APISchema struct {
	ID, Name string
	Fields   []APIField
}

// APIProblem is a kind of failure.
type APIProblem struct {
	ID, Title, Text string
	Status          int
}
