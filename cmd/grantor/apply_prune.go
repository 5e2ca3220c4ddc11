package main

import (
	"context"
	"net/url"
	"reflect"
	"slices"

	"github.com/grantor-dev/grantor/admin/api"
	"github.com/grantor-dev/grantor/oauth"
)

var registrationType = reflect.TypeFor[oauth.Registration]()

// pruneClients plans the end of clients that the file does not name: not of the server's own, nor of the one that the
// command runs as.
func (p *plan) pruneClients(ctx context.Context) error {
	if !p.prunes("clients") {
		return nil
	}
	clients, err := all[api.Client](ctx, p.remote, "/clients", url.Values{"sort": {"client_id"}})
	if err != nil {
		return err
	}
	for _, one := range clients {
		declared := slices.ContainsFunc(p.declared.Clients, func(d seedClient) bool { return d.ClientID == one.ClientID })
		if declared || one.BuiltIn || one.ClientID == p.me.ClientID {
			continue
		}
		p.remove("client", one.ClientID, at("clients", one.ClientID), clientError)
	}
	return nil
}

// pruneUsers plans the end of users that the file does not name, but not of the one who runs the command.
func (p *plan) pruneUsers(ctx context.Context) error {
	if !p.prunes("users") {
		return nil
	}
	declared := map[string]bool{}
	for _, d := range p.declared.Users {
		found, err := p.user(ctx, d.Username)
		if err != nil {
			return err
		}
		if found != nil {
			declared[found.ID] = true
		}
	}
	users, err := all[api.User](ctx, p.remote, "/users", url.Values{"sort": {"username"}})
	if err != nil {
		return err
	}
	for _, one := range users {
		if !declared[one.ID] && one.ID != p.me.UserID {
			p.remove("user", one.Username, at("users", one.ID), userError)
		}
	}
	return nil
}

func (p *plan) pruneGroups(ctx context.Context) error {
	if !p.prunes("groups") {
		return nil
	}
	declared := map[string]bool{}
	for _, d := range p.declared.Groups {
		found, err := p.group(ctx, d.Name)
		if err != nil {
			return err
		}
		if found != nil {
			declared[found.ID] = true
		}
	}
	for _, one := range p.groups {
		if !declared[one.ID] {
			p.remove("group", one.Name, at("groups", one.ID), groupError)
		}
	}
	return nil
}

func (p *plan) remove(kind, name, path string, explain func(name string, err error) error) *change {
	c := &change{Action: remove, Kind: kind, Name: name, write: func(ctx context.Context) error {
		err := p.remote.delete(ctx, path, nil)
		if isRefused(err, codeNotFound) { // somebody was faster
			return nil
		}
		return explain(name, err)
	}}
	p.put(c)
	return c
}
