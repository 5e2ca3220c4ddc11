package api

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// body is what an operation takes: part of its input, filled by register. T is what may be written.
type body[T any] struct{ sent *document }

func (b *body[T]) take(d *document) { b.sent = d }

func (*body[T]) takes() reflect.Type { return reflect.TypeFor[T]() }

// value reads the body as it was sent.
func (b *body[T]) value() (*T, error) { return decode[T](b.sent.fields) }

// replacement reads the body of a PUT. What GET tells besides may be sent back as it is: shown is what it tells now.
func (b *body[T]) replacement(shown any) (*T, error) {
	fields, err := b.writable(shown)
	if err != nil {
		return nil, err
	}
	return decode[T](fields)
}

// patched applies the body to what is there, as JSON Merge Patch says (RFC 7396): null takes a field back to what it is
// when nobody names it.
func (b *body[T]) patched(settings *T, shown any) (*T, error) {
	changes, err := b.writable(shown)
	if err != nil {
		return nil, err
	}
	merged, err := fieldsOf(settings)
	if err != nil {
		return nil, err
	}
	known := namedFields(reflect.TypeFor[T]())
	for name, value := range changes {
		if value == nil {
			delete(merged, name)
			if _, ok := known[name]; !ok {
				merged[name] = value // to be refused by its name
			}
			continue
		}
		merged[name] = value
	}
	return decode[T](merged)
}

// restless are read-only fields that change by themselves, so that what was read a moment ago differs.
var restless = []string{"last_used", "updated", "secrets"}

// writable leaves out read-only fields that say what is so anyway, and refuses those that would change something.
func (b *body[T]) writable(shown any) (map[string]any, error) {
	now, err := fieldsOf(shown)
	if err != nil {
		return nil, err
	}
	settable, readable := namedFields(reflect.TypeFor[T]()), namedFields(reflect.TypeOf(shown))
	left := map[string]any{}
	var faults []Fault
	for name, value := range b.sent.fields {
		_, may := settable[name]
		_, there := readable[name]
		switch {
		case may || !there:
			left[name] = value
		case !slices.Contains(restless, name) && !reflect.DeepEqual(value, now[name]):
			faults = append(faults, Fault{Pointer: "/" + escaped(name), Detail: "It is read-only."})
		}
	}
	if len(faults) > 0 {
		return nil, invalid.faulty(inOrder(faults)...)
	}
	return left, nil
}

func fieldsOf(v any) (map[string]any, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write %T as JSON: %w", v, err)
	}
	d, err := readDocument(raw)
	if err != nil {
		return nil, fmt.Errorf("read %T as JSON: %w", v, err)
	}
	return d.fields, nil
}

// decode makes a T of the fields. Every field that is unknown or of the wrong type is named.
func decode[T any](fields map[string]any) (*T, error) {
	c := checker{named: map[reflect.Type]map[string]reflect.StructField{}}
	c.object(fields, reflect.TypeFor[T](), "")
	if len(c.faults) > 0 {
		return nil, invalid.faulty(inOrder(c.faults)...)
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("write a request as JSON: %w", err)
	}
	value := new(T)
	if err := json.Unmarshal(raw, value); err != nil {
		return nil, errors.Join(malformed.saying("The body could not be understood."), err)
	}
	return value, nil
}

func inOrder(faults []Fault) []Fault {
	slices.SortFunc(faults, func(a, b Fault) int { return strings.Compare(a.Pointer, b.Pointer) })
	return faults
}

// checker compares JSON with a Go type, and gathers what is wrong by pointers (RFC 6901). It remembers what reflection says
// of a type: asked anew for each field of a body that is most of what a request costs.
type checker struct {
	faults []Fault
	named  map[reflect.Type]map[string]reflect.StructField
}

func (c *checker) fieldsOf(t reflect.Type) map[string]reflect.StructField {
	if c.named[t] == nil {
		c.named[t] = namedFields(t)
	}
	return c.named[t]
}

func (c *checker) wrong(pointer, format string, args ...any) {
	if len(c.faults) > maxFaults {
		return // one more than are told, so that it is told that there are more
	}
	c.faults = append(c.faults, Fault{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

func (c *checker) object(fields map[string]any, t reflect.Type, pointer string) {
	known := c.fieldsOf(t)
	for name, value := range fields {
		at := pointer + "/" + escaped(name)
		field, ok := known[name]
		if !ok {
			c.wrong(at, "There is no such field.")
			continue
		}
		if value != nil { // null is as good as absent
			c.value(value, field.Type, at)
		}
	}
}

func (c *checker) value(value any, t reflect.Type, at string) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if c.special(value, t, at) {
		return
	}
	ok, want := false, ""
	switch t.Kind() {
	case reflect.Struct:
		var fields map[string]any
		if fields, ok = value.(map[string]any); ok {
			c.object(fields, t, at)
		}
		want = "an object"
	case reflect.Slice:
		var list []any
		if list, ok = value.([]any); ok {
			for i, one := range list {
				c.value(one, t.Elem(), fmt.Sprintf("%s/%d", at, i))
			}
		}
		want = "a list"
	case reflect.String:
		_, ok = value.(string)
		want = "a text"
	case reflect.Bool:
		_, ok = value.(bool)
		want = "true or false"
	default:
		var number json.Number
		if number, ok = value.(json.Number); ok {
			_, err := number.Int64()
			ok = err == nil
		}
		want = "a whole number"
	}
	if !ok {
		c.wrong(at, "It must be %s.", want)
	}
}

// special checks a type that reads its own JSON.
func (c *checker) special(value any, t reflect.Type, at string) bool {
	target := reflect.New(t).Interface()
	switch target.(type) {
	case json.Unmarshaler, encoding.TextUnmarshaler:
	default:
		return false
	}
	raw, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(raw, target)
	}
	switch {
	case err == nil:
	case t == reflect.TypeFor[time.Time]():
		c.wrong(at, "It must be a time such as 2026-11-22T14:03:00Z (RFC 3339).")
	default:
		c.wrong(at, "%s", sentence(err.Error()))
	}
	return true
}

// namedFields gives the fields of a struct by the names that JSON has for them, exactly: encoding/json would take them in
// any case of letters.
func namedFields(t reflect.Type) map[string]reflect.StructField {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	byName := map[string]reflect.StructField{}
	for _, field := range reflect.VisibleFields(t) {
		tag, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if _, hidden := byName[tag]; tag != "" && tag != "-" && !hidden {
			byName[tag] = field
		}
	}
	return byName
}
