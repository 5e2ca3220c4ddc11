package pages

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/templates"
)

// maxSelected is how many clients one form acts on: more than a page of the list shows.
const maxSelected = 100

func (s *site) clientsEnable(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.actOnSelected(w, r, v, selectedAct{notice: "clients-enabled", guarded: true, act: func(ctx context.Context, id string) error {
		return s.Provider.SetClientState(ctx, id, oauth.Enabled)
	}})
}

func (s *site) clientsDisable(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.actOnSelected(w, r, v, selectedAct{notice: "clients-disabled", act: func(ctx context.Context, id string) error {
		return s.Provider.SetClientState(ctx, id, oauth.Disabled)
	}})
}

func (s *site) clientsDelete(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.actOnSelected(w, r, v, selectedAct{
		notice: "clients-deleted", path: clientsPath + "/-/delete", act: s.Provider.DeleteClient,
		ask: templates.ClientAsk{
			Question: "Are you sure you want to delete these auth clients?", Button: "Delete Auth Clients", Points: []string{
				"Whoever uses them cannot sign in any more from this moment on.",
				"Their access tokens, refresh tokens and codes are refused at once.",
				"It cannot be undone. To stop auth clients for a while, disable them instead.",
			},
		},
	})
}

func (s *site) clientsRevoke(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.actOnSelected(w, r, v, selectedAct{
		notice: "clients-revoked", path: clientsPath + "/-/revoke", act: s.revokeAll,
		ask: templates.ClientAsk{
			Question: "Are you sure you want to revoke all tokens of these auth clients?", Button: "Revoke tokens", Points: []string{
				"Their access tokens, refresh tokens and codes are refused at once, personal access tokens as well.",
				"People who use them have to sign in again. They keep their settings and their secrets.",
				jwtsLiveOn,
			},
		},
	})
}

func (s *site) revokeAll(ctx context.Context, id string) error {
	_, err := s.Provider.RevokeSelected(ctx, oauth.Selection{ClientID: id})
	return err
}

// selectedAct is what is done to each of several clients. With a path it is asked about first.
type selectedAct struct {
	notice  string
	act     func(ctx context.Context, id string) error
	guarded bool // a client that may do more than the visitor is refused
	path    string
	ask     templates.ClientAsk
}

// actOnSelected acts on all of the clients that were ticked, or on none where one of them cannot be acted on.
func (s *site) actOnSelected(w http.ResponseWriter, r *http.Request, v *visit, a selectedAct) error {
	clients, err := s.selected(r, v)
	if err != nil {
		return err
	}
	if len(clients) == 0 {
		return s.nothingSelected(w, r, v)
	}
	if a.path != "" && v.Form.Get("sure") != "yes" {
		return s.askSelected(w, r, v, a, clients)
	}
	for _, c := range clients {
		if c.BuiltIn {
			return account.ErrBuiltIn
		}
		if a.guarded {
			if err := v.Rights.CheckCovers(c.Powers()); err != nil {
				return err
			}
		}
	}
	for _, c := range clients {
		// One that somebody else deleted meanwhile needs nothing any more.
		if err := a.act(r.Context(), c.ClientID); err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("act on client %s: %w", c.ClientID, err)
		}
	}
	return s.clientDone(w, r, v, clientsPath+listState(r), a.notice)
}

// selected gives the clients that were ticked, each once; those that are gone are left out.
func (s *site) selected(r *http.Request, v *visit) ([]*oauth.Client, error) {
	ids := slices.Clone(v.Form.All("client"))
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) > maxSelected {
		return nil, errForm
	}
	var clients []*oauth.Client
	for _, id := range ids {
		c, _, err := s.Provider.LoadClient(r.Context(), id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		clients = append(clients, c)
	}
	return clients, nil
}

func (s *site) nothingSelected(w http.ResponseWriter, r *http.Request, v *visit) error {
	const fault = "No auth client is selected. Tick those that you mean, and choose again what to do with them."
	if !v.may(account.ViewClients) {
		s.write(w, r, formRefused, templates.AdminMessage{Admin: s.frame(r, v, "", "Nothing is selected"), Text: fault})
		return nil
	}
	page, err := s.clientListing(r, v)
	if err != nil {
		return err
	}
	page.Fault = fault
	s.write(w, r, formRefused, page)
	return nil
}

// askSelected names the clients, and counts what would end with each.
func (s *site) askSelected(w http.ResponseWriter, r *http.Request, v *visit, a selectedAct, clients []*oauth.Client) error {
	page := a.ask
	page.Admin = s.clientFrame(r, v, page.Button)
	page.Action, page.Cancel = a.path+listState(r), clientsPath+listState(r)
	page.Fields = []templates.Field{{Name: "sure", Value: "yes"}}
	for _, c := range clients {
		if c.BuiltIn {
			return account.ErrBuiltIn
		}
		live, err := s.liveCount(r.Context(), c.ClientID)
		if err != nil {
			return err
		}
		page.Clients = append(page.Clients, templates.ClientAsked{ID: c.ClientID, Name: c.Name(), Live: live})
		page.Fields = append(page.Fields, templates.Field{Name: "client", Value: c.ClientID})
	}
	return s.show(w, r, page)
}

func (s *site) liveCount(ctx context.Context, id string) (*templates.LiveCount, error) {
	live, err := s.Provider.LiveTokens(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("count live tokens: %w", err)
	}
	return &templates.LiveCount{Authorizations: live.Authorizations, More: live.More, Machine: live.Machine}, nil
}
