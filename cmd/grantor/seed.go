package main

import (
	"bytes"
	"context"
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

// seed declares users and clients that must exist. Reading it again changes only what differs.
type seed struct {
	Users   []seedUser   `json:"users"`
	Clients []seedClient `json:"clients"`
}

type seedUser struct {
	Username   string `json:"username"`
	Password   string `json:"password"`
	Name       string `json:"name"`
	Email      string `json:"email"`
	SuperAdmin bool   `json:"super_admin"`
}

type seedClient struct {
	oauth.Registration
	ClientSecret string `json:"client_secret"`
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
		Users   []json.RawMessage `json:"users"`
		Clients []json.RawMessage `json:"clients"`
	}
	if err := decodeStrictly(text, &entries); err != nil {
		return nil, err
	}
	s, f := &seed{}, &seedFaults{}
	s.Users = decodeEntries[seedUser](f, "users", entries.Users)
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
	if strings.HasPrefix(text, "unknown field") {
		text += ": there are " + strings.Join(fieldsOf(reflect.TypeOf(to).Elem()), ", ")
	}
	return errors.New(text)
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

// check finds what can be known to be wrong before anything is written.
func (s *seed) check(f *seedFaults) {
	seen := map[string]bool{}
	for i, u := range s.Users {
		place := fmt.Sprintf("users[%d]", i)
		if u.Username == "" {
			f.add(place, errors.New("username is missing"))
		}
		if name := "user " + u.Username; seen[name] {
			f.add(place, fmt.Errorf("there is another %s in this file", name))
		}
		seen["user "+u.Username] = true
	}
	for i, c := range s.Clients {
		place := fmt.Sprintf("clients[%d]", i)
		if c.ClientID == "" {
			f.add(place, errors.New("client_id is missing: without it each start would register another client"))
			continue
		}
		if name := "client " + c.ClientID; seen[name] {
			f.add(place, fmt.Errorf("there is another %s in this file", name))
		}
		seen["client "+c.ClientID] = true
		f.add("client "+c.ClientID, c.Check())
	}
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

// seeded is what came of a seed.
type seeded struct {
	changed int
	secrets map[string]string // client_id -> a secret that was made now and is shown this once
}

// apply brings users and clients to the declared state. It goes on after a fault of one, to name those of all; a failure
// of the store ends it.
func (s *seed) apply(ctx context.Context, a *app, result *seeded) error {
	ctx = account.WithActor(ctx, account.Actor{Kind: account.ActorSystem, Name: "seed"})
	f := &seedFaults{}
	for _, u := range s.Users {
		_, changed, err := a.directory.EnsureUser(ctx, account.NewUser{
			Username: u.Username, Password: u.Password, Name: u.Name, Email: u.Email, SuperAdmin: u.SuperAdmin,
		})
		if unexpected(err) {
			return fmt.Errorf("seed user %s: %w", u.Username, err)
		}
		f.add("user "+u.Username, err)
		result.count(changed)
	}
	for _, c := range s.Clients {
		shown, changed, err := a.provider.EnsureClient(ctx, c.Registration, c.ClientSecret)
		if shown != "" { // it is kept already, even where what follows failed
			result.secrets[c.ClientID] = shown
		}
		if unexpected(err) {
			return fmt.Errorf("seed client %s: %w", c.ClientID, err)
		}
		f.add("client "+c.ClientID, err)
		result.count(changed)
	}
	if err := f.err(); err != nil {
		return fmt.Errorf("the seed could not be applied: %w", err)
	}
	return nil
}

// unexpected reports whether an error is none of those that the file itself causes.
func unexpected(err error) bool {
	var ofClient *oauth.RegistrationError
	var ofUser *account.FieldErrors
	return err != nil && !errors.As(err, &ofClient) && !errors.As(err, &ofUser) && !errors.Is(err, oauth.ErrNameTaken)
}

func newSeeded() *seeded { return &seeded{secrets: map[string]string{}} }

func (r *seeded) count(changed bool) {
	if changed {
		r.changed++
	}
}
