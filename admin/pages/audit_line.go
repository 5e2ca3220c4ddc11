package pages

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/templates"
)

// teller says events in words. It asks for the names of users, clients and groups once each.
type teller struct {
	site  *site
	visit *visit
	known map[string]templates.Mention
}

// eventLines says events in words, with links to what the visitor may see.
func (s *site) eventLines(ctx context.Context, v *visit, events []*account.Event) []templates.EventLine {
	t := teller{s, v, map[string]templates.Mention{}}
	lines := make([]templates.EventLine, len(events))
	for i, e := range events {
		lines[i] = t.line(ctx, e)
	}
	return lines
}

func (t teller) line(ctx context.Context, e *account.Event) templates.EventLine {
	before, after, names := wordsOf(e.Action)
	l := templates.EventLine{
		Time: e.Time, Actor: t.actor(ctx, e.Actor), Before: before, After: after,
		Action: e.Action, Address: e.Actor.Address, RequestID: e.RequestID,
	}
	if names {
		l.Object = t.object(ctx, e)
	}
	l.Changes, l.Facts = told(e, l.Object.Name)
	for i, fact := range l.Facts {
		if fact.Name == "user" {
			l.Facts[i].Value = t.named(ctx, "user", fact.Value).Name
		}
	}
	return l
}

// actor names who did it: a user by the name at that time, since the log tells what was.
func (t teller) actor(ctx context.Context, a account.Actor) templates.Mention {
	switch a.Kind {
	case account.ActorUser, account.ActorClient:
		m := t.named(ctx, a.Kind, a.ID)
		if m.Kind = ""; a.Kind == account.ActorClient {
			m.Kind = "The auth client"
		}
		if a.Name != "" {
			m.Name = a.Name
		}
		return m
	case account.ActorCLI:
		return templates.Mention{Kind: "On the command line:", Name: a.Name}
	case account.ActorGuest:
		return templates.Mention{Kind: "Somebody who was not signed in", Name: a.Name}
	}
	if a.Name == "" {
		return templates.Mention{Kind: "The server"}
	}
	return templates.Mention{Kind: "The server:", Name: a.Name}
}

// object names what it was done to. What is gone is called by what the event says of it.
func (t teller) object(ctx context.Context, e *account.Event) templates.Mention {
	kind, id, _ := strings.Cut(e.Object, ":")
	switch kind {
	case "client", "api", "user", "group":
		m := t.named(ctx, kind, id)
		if m.Path == "" && m.Name == id {
			m.Name = firstOf(nameIn(e, kind), id)
		}
		return m
	case "page":
		return templates.Mention{Kind: "the page", Name: id}
	case "key":
		if id == "all" {
			return templates.Mention{Kind: "the signing keys", Name: "of every algorithm"}
		}
		if !slices.Contains(jose.Algorithms, jose.Algorithm(id)) {
			return templates.Mention{Kind: "the signing key", Name: id}
		}
		return templates.Mention{Kind: "the signing keys", Name: id}
	case "store":
		return templates.Mention{Name: "the store"}
	}
	return templates.Mention{Name: e.Object}
}

// nameField is where events keep the name of their object, by its kind.
var nameField = map[string]string{"client": "client_name", "api": "name", "user": "username", "group": "group"}

// nameIn is the name that an event keeps of its object: of a client, a user or a group that may be gone by now.
func nameIn(e *account.Event, kind string) string {
	if old, now, ok := oldAndNew(e, nameField[kind]); ok {
		return firstOf(now, old)
	}
	if kind == "api" && e.Detail["name"] == "" {
		return e.Detail["identifier"]
	}
	return e.Detail[nameField[kind]]
}

// named is a user, a client or a group as it is called now, with a link for who may see it; by its id where it is gone.
func (t teller) named(ctx context.Context, kind, id string) templates.Mention {
	key := kind + ":" + id
	if m, ok := t.known[key]; ok {
		return m
	}
	m := templates.Mention{Kind: "the " + kind, Name: id}
	path, param := "", url.PathEscape(id)
	switch kind {
	case "client":
		m.Kind = "the auth client"
		if c, err := t.site.Provider.Client(ctx, id); err == nil {
			m.Name, path = c.Name(), "/admin/auth-clients/{client_id}"
		}
	case "api":
		m.Kind = "the API"
		if a, err := t.site.Provider.API(ctx, id); err == nil {
			m.Name, path = a.Title(), "/admin/apis/{api_id}"
		}
	case "user":
		if u, err := t.site.Directory.User(ctx, id); err == nil {
			m.Name, path = u.Username, "/admin/users/{user_id}"
		}
	case "group":
		if g, err := t.site.Directory.Group(ctx, id); err == nil {
			m.Name, path = g.Name, "/admin/groups/{group_id}"
		}
	}
	if path != "" && t.visit.mayUse(http.MethodGet, path) {
		m.Path = t.site.base + path[:strings.LastIndexByte(path, '/')+1] + param
	}
	t.known[key] = m
	return m
}
