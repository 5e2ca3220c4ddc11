package api

import (
	"net/http"
	"strings"
)

// Problem is how every failure is answered (RFC 9457). It is an error, for programs that read it.
type Problem struct {
	Type     string  `json:"type" doc:"What kind of problem it is: an address in the reference of this API that says more." example:"https://login.example.com/admin/api/v1/docs#invalid-fields"`
	Title    string  `json:"title" doc:"The kind of problem in a few words." example:"Some fields are wrong"`
	Status   int     `json:"status" doc:"The status of the answer." example:"422"`
	Detail   string  `json:"detail,omitempty" doc:"What is wrong with this request, in whole sentences." example:"The request was understood, but some of its fields cannot be accepted."`
	Instance string  `json:"instance,omitempty" doc:"The id of the request, as in the log and the header X-Request-Id." example:"urn:request:9f86d081884c7d659a2feaa0c55ad015"`
	Errors   []Fault `json:"errors,omitempty" doc:"What is wrong with each field."`

	Imported []ImportedClient `json:"imported,omitempty" doc:"Of an import that failed midway: what was done before, with the secrets that were made."`

	header http.Header // that goes along with the answer
}

// Fault is what is wrong with one field of a request.
type Fault struct {
	Pointer   string `json:"pointer,omitempty" doc:"The field of the body, as a JSON pointer (RFC 6901)." example:"/redirect_uris/1"`
	Parameter string `json:"parameter,omitempty" doc:"The parameter of the query or path, where it is none of the body."`
	Detail    string `json:"detail" doc:"What is wrong with it." example:"It must be an https address."`
}

// Error tells the problem in words.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Title)
	if p.Detail != "" {
		b.WriteString(": " + p.Detail)
	}
	for _, f := range p.Errors {
		b.WriteString("\n" + f.Pointer + f.Parameter + ": " + f.Detail)
	}
	return b.String()
}

// Code names the kind of problem in one word, "invalid-fields".
func (p *Problem) Code() string {
	_, code, _ := strings.Cut(p.Type, "#")
	return code
}

// GetStatus and the two methods below are how huma knows an error that answers for itself.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders gives what goes along with the answer.
func (p *Problem) GetHeaders() http.Header { return p.header }

// ContentType is that of RFC 9457.
func (p *Problem) ContentType(string) string { return "application/problem+json" }
