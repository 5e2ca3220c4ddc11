package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"

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
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	s := &seed{}
	if err := decoder.Decode(s); err != nil {
		return nil, err
	}
	for i, c := range s.Clients {
		if c.ClientID == "" {
			return nil, fmt.Errorf("clients[%d]: client_id is missing: without it each start would register another client", i)
		}
	}
	return s, nil
}

// seeded is what came of a seed.
type seeded struct {
	changed int
	secrets map[string]string // client_id -> a secret that was made now and is shown this once
}

// apply brings users and clients to the declared state.
func (s *seed) apply(ctx context.Context, a *app) (*seeded, error) {
	ctx = account.WithActor(ctx, account.Actor{Kind: account.ActorSystem, Name: "seed"})
	result := &seeded{secrets: map[string]string{}}
	for _, u := range s.Users {
		_, changed, err := a.directory.EnsureUser(ctx, account.NewUser{
			Username: u.Username, Password: u.Password, Name: u.Name, Email: u.Email, SuperAdmin: u.SuperAdmin,
		})
		if err != nil {
			return nil, fmt.Errorf("seed user %s: %w", u.Username, err)
		}
		result.count(changed)
	}
	for _, c := range s.Clients {
		shown, changed, err := a.provider.EnsureClient(ctx, c.Registration, c.ClientSecret)
		if err != nil {
			return nil, fmt.Errorf("seed client %s: %w", c.ClientID, err)
		}
		result.count(changed)
		if shown != "" {
			result.secrets[c.ClientID] = shown
		}
	}
	return result, nil
}

func (r *seeded) count(changed bool) {
	if changed {
		r.changed++
	}
}
