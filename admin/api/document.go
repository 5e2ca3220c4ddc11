package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
)

// document is the JSON object of a request, read strictly: what encoding/json passes over in silence is a fault here.
type document struct {
	fields map[string]any // numbers are json.Number
}

// Bounds of a body. A megabyte of the smallest values would take a hundred megabytes to hold, and as many to refuse one by
// one. A file of clients that fills the megabyte has fewer.
const (
	maxDepth  = 32
	maxNames  = 200 // of one object
	maxValues = 60_000
	maxName   = 100 // of which an answer repeats, in bytes
	bodyLimit = 1 << 20
)

// readBody reads what an operation takes. RFC 8259 section 4 leaves open which of two equal names counts, so they are refused.
func (s *service) readBody(o *huma.Operation, x *exchange) error {
	if o.RequestBody == nil {
		return nil
	}
	raw, err := io.ReadAll(http.MaxBytesReader(nil, x.request.Body, bodyLimit))
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return err
	}
	if err != nil {
		return errors.Join(malformed.saying("The body could not be read."), err)
	}
	if len(raw) == 0 {
		if o.RequestBody.Required {
			return malformed.saying("A body is needed: a JSON object.")
		}
		x.body = &document{map[string]any{}}
		return nil
	}
	if err := checkMediaType(o, x.request.Header.Get("Content-Type")); err != nil {
		return err
	}
	x.body, err = readDocument(raw)
	return err
}

func checkMediaType(o *huma.Operation, sent string) error {
	mediaTypes := make([]string, 0, len(o.RequestBody.Content))
	for name := range o.RequestBody.Content {
		mediaTypes = append(mediaTypes, name)
	}
	slices.Sort(mediaTypes)
	name, parameters, err := mime.ParseMediaType(sent)
	charset := strings.ToLower(parameters["charset"])
	if err == nil && slices.Contains(mediaTypes, name) && (charset == "" || charset == "utf-8") {
		return nil
	}
	p := mediaType.saying("Send it with the header “Content-Type: " + strings.Join(mediaTypes, "” or “Content-Type: ") + "”.")
	if o.Method == http.MethodPatch {
		p.header.Set("Accept-Patch", strings.Join(mediaTypes, ", ")) // RFC 5789 section 2.2
	}
	return p
}

func readDocument(raw []byte) (*document, error) {
	if !utf8.Valid(raw) {
		return nil, malformed.saying("The body is not UTF-8.")
	}
	d := reader{Decoder: json.NewDecoder(bytes.NewReader(raw))}
	d.UseNumber()
	value, err := d.value("", 0)
	if err != nil {
		return nil, asMalformed(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, malformed.saying("Something follows the JSON object.")
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return nil, malformed.saying("The body must be a JSON object.")
	}
	return &document{fields}, nil
}

func asMalformed(err error) error {
	var problem *Problem
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &problem):
		return problem
	case errors.As(err, &syntax):
		return malformed.saying(fmt.Sprintf("The body is not JSON: see its byte %d.", syntax.Offset))
	}
	return malformed.saying("The body is not JSON: it ends too soon.")
}

// reader builds what a body holds, and counts it.
type reader struct {
	*json.Decoder
	values int
}

func (d *reader) value(pointer string, depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, malformed.saying("The body is nested too deep.")
	}
	if d.values++; d.values > maxValues {
		return nil, malformed.saying("The body holds too many values.")
	}
	switch token {
	case json.Delim('{'):
		return d.object(pointer, depth)
	case json.Delim('['):
		list := []any{}
		for d.More() {
			value, err := d.value(pointer+"/"+strconv.Itoa(len(list)), depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err := d.Token()
		return list, err
	}
	return token, nil
}

func (d *reader) object(pointer string, depth int) (any, error) {
	fields := map[string]any{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string) // the decoder takes nothing else for a name
		at := pointer + "/" + escaped(name)
		if _, twice := fields[name]; twice {
			p := malformed.faulty(Fault{Pointer: at, Detail: "It is there twice."})
			p.Detail = "Two fields have one name."
			return nil, p
		}
		if len(fields) == maxNames {
			return nil, malformed.saying("An object of the body has too many fields.")
		}
		if fields[name], err = d.value(at, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return fields, err
}

var pointerSigns = strings.NewReplacer("~", "~0", "/", "~1")

// escaped writes a name as part of a JSON pointer (RFC 6901 section 3). No name of ours is as long as those that it cuts.
func escaped(name string) string {
	if len(name) > maxName {
		name = strings.ToValidUTF8(name[:maxName], "") + "…"
	}
	return pointerSigns.Replace(name)
}
