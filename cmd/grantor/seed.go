package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

// seed declares groups, users, APIs and clients that must exist. Reading it again changes only what differs. `grantor apply` reads
// the same form.
type seed struct {
	Groups  []seedGroup
	Users   []seedUser
	APIs    []oauth.APIRegistration // what is absent is what it is for a new one
	Clients []seedClient
	kinds   map[string]bool // the lists that stand in the file, empty ones as well
}

// seedGroup is a group. Of what is absent nothing is said, and nothing is changed.
type seedGroup struct {
	Name        string               `json:"name"`
	Description *string              `json:"description"`
	Permissions []account.Permission `json:"permissions"`
	MemberOf    []string             `json:"member_of"` // names of groups
}

// seedUser is a user. Of what is absent nothing is said, and nothing is changed.
type seedUser struct {
	Username    string               `json:"username"`
	Password    string               `json:"password"`
	Name        *string              `json:"name"`
	Email       *string              `json:"email"`
	SuperAdmin  *bool                `json:"super_admin"`
	Groups      []string             `json:"groups"` // names
	Permissions []account.Permission `json:"permissions"`
}

// seedClient is a client. What is absent is what it is for a new one, but for the secret and whether it is disabled.
type seedClient struct {
	oauth.Registration
	ClientSecret string `json:"client_secret"`
	Disabled     *bool  `json:"disabled"`
}

// readSeed reads a seed file. A field that nobody knows is a fault: a misspelt one would silently grant nothing.
func readSeed(path string) (*seed, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read seed: %w", err)
	}
	s, err := parseSeed(content)
	if err != nil {
		return nil, fmt.Errorf("seed %s: %w", path, err)
	}
	return s, nil
}

func parseSeed(content []byte) (*seed, error) {
	if err := checkOneDocument(content); err != nil {
		return nil, err
	}
	var tree any
	if err := yamlv3.Unmarshal(content, &tree); err != nil {
		return nil, err
	}
	if tree == nil {
		return &seed{}, nil
	}
	// By way of JSON, so that the file has exactly the field names of the API.
	text, err := json.Marshal(tree)
	if err != nil {
		return nil, fmt.Errorf("names must be text: %w", err)
	}
	var entries struct {
		Groups  []json.RawMessage `json:"groups"`
		Users   []json.RawMessage `json:"users"`
		APIs    []json.RawMessage `json:"apis"`
		Clients []json.RawMessage `json:"clients"`
	}
	if err := decodeStrictly(text, &entries); err != nil {
		return nil, err
	}
	s, f := &seed{kinds: map[string]bool{
		"groups": entries.Groups != nil, "users": entries.Users != nil, "apis": entries.APIs != nil, "clients": entries.Clients != nil,
	}}, &seedFaults{}
	s.Groups = decodeEntries[seedGroup](f, "groups", entries.Groups)
	s.Users = decodeEntries[seedUser](f, "users", entries.Users)
	s.APIs = decodeEntries[oauth.APIRegistration](f, "apis", entries.APIs)
	s.Clients = decodeEntries[seedClient](f, "clients", entries.Clients)
	if len(f.lines) == 0 {
		s.check(f)
	}
	return s, f.err()
}

// decodeEntries reads the entries of one list, each by itself, so that every fault is named with its place.
func decodeEntries[T any](f *seedFaults, list string, entries []json.RawMessage) []T {
	all := make([]T, len(entries))
	for i, entry := range entries {
		f.add(fmt.Sprintf("%s[%d]", list, i), decodeStrictly(entry, &all[i]))
	}
	return all
}

// decodeStrictly refuses fields that nobody knows. Its errors do not repeat values, which may be secret.
func decodeStrictly(content []byte, to any) error {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(to)
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		found, _, _ := strings.Cut(wrong.Value, " ")
		field := wrong.Field[strings.LastIndex(wrong.Field, ".")+1:]
		return fmt.Errorf("%s must be %s, not %s", firstOf(field, "it"), inWords(wrong.Type.Kind()), found)
	}
	if err == nil {
		return nil
	}
	text := strings.TrimPrefix(err.Error(), "json: ")
	if name, unknown := strings.CutPrefix(text, "unknown field "); unknown && isFieldOf(content, strings.Trim(name, `"`)) {
		text += ": there are " + strings.Join(fieldsOf(reflect.TypeOf(to).Elem()), ", ")
	}
	return errors.New(text)
}

// isFieldOf tells a field of an object from one that lies deeper in it.
func isFieldOf(object []byte, name string) bool {
	var fields map[string]json.RawMessage
	err := json.Unmarshal(object, &fields)
	_, there := fields[name]
	return err == nil && there
}

// fieldsOf names the fields that an entry may have.
func fieldsOf(t reflect.Type) []string {
	var names []string
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func inWords(k reflect.Kind) string {
	switch k {
	case reflect.Slice:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "a mapping of fields"
	case reflect.Bool:
		return "true or false"
	}
	return "a text (in quotes, where it looks like something else)"
}

// seedFaults collects everything that is wrong with a seed, one line each.
type seedFaults struct{ lines []string }

func (f *seedFaults) add(place string, err error) {
	var ofClient *oauth.RegistrationError
	var ofUser *account.FieldErrors
	switch {
	case err == nil:
	case errors.As(err, &ofClient):
		for _, one := range ofClient.Fields {
			f.lines = append(f.lines, place+": "+one.Field+" "+one.Message)
		}
	case errors.As(err, &ofUser):
		for _, one := range ofUser.Fields {
			f.lines = append(f.lines, place+": "+one.Field+": "+one.Message)
		}
	default:
		f.lines = append(f.lines, place+": "+err.Error())
	}
}

func (f *seedFaults) err() error {
	if len(f.lines) == 0 {
		return nil
	}
	return errors.New("it has faults:\n  " + strings.Join(f.lines, "\n  "))
}
