package main

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/api"
	"github.com/grantor-dev/grantor/oauth"
)

func (p *plan) planClients(ctx context.Context) error {
	for i := range p.declared.Clients {
		if err := p.planClient(ctx, &p.declared.Clients[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *plan) planClient(ctx context.Context, d *seedClient) error {
	place := "client " + d.ClientID
	var was api.CreatedClient
	seen, err := p.remote.call(ctx, http.MethodGet, at("clients", d.ClientID), nil, &was.Client)
	isNew := isRefused(err, codeNotFound)
	if err != nil && !isNew {
		return err
	}
	after, err := asFields(d.Registration.AsKept())
	if err != nil {
		return err
	}
	before := map[string]any{}
	c := &change{Action: create, Kind: "client", Name: d.ClientID}
	if !isNew {
		c.Action = alter
		if before, err = asFields(was.Registration.AsKept()); err != nil {
			return err
		}
	}
	names := fieldsOf(registrationType)
	for _, name := range names { // what is left out is said to be empty
		if _, ok := after[name]; !ok {
			after[name] = nil
		}
	}
	c.Fields = differences(slices.DeleteFunc(names, func(name string) bool { return name == "client_id" }), before, after)
	disabled := was.Disabled
	if d.Disabled != nil {
		disabled = *d.Disabled
	}
	if disabled != was.Disabled {
		c.Fields = append(c.Fields, &fieldChange{Field: "disabled", Old: was.Disabled, New: disabled})
	}
	if len(c.Fields) > 0 || isNew {
		p.checkClient(place, d, &was.Client)
		p.checkReach(place, d)
	}
	c.write = func(ctx context.Context) error {
		return p.writeClient(ctx, c, d, seen, disabled != was.Disabled)
	}
	p.put(c)
	return nil
}

// checkClient finds what would be refused: the server's own client, and more power than whoever runs the command has.
func (p *plan) checkClient(place string, d *seedClient, was *api.Client) {
	if was.BuiltIn {
		p.faults.add(place, account.ErrBuiltIn)
	}
	for _, r := range []oauth.Registration{d.Registration, was.Registration} {
		p.faults.add(place, p.rights.CheckCovers(r.Powers()))
	}
}

func (p *plan) writeClient(ctx context.Context, c *change, d *seedClient, seen found, turn bool) error {
	n := api.NewClient{Registration: d.Registration}
	when := condition{"If-Match", seen.etag} // what was compared is what is replaced
	if c.Action == create {
		n.ClientSecret = d.ClientSecret
		when = condition{"If-None-Match", "*"}
	}
	var made api.CreatedClient
	if _, err := p.remote.call(ctx, http.MethodPut, at("clients", d.ClientID), n, &made, when); err != nil {
		return p.clientFault(d, err)
	}
	if made.ClientSecret != "" && made.ClientSecret != d.ClientSecret {
		p.secrets[d.ClientID] = made.ClientSecret
	}
	if !turn {
		return nil
	}
	verb := "enable"
	if *d.Disabled {
		verb = "disable"
	}
	return p.clientFault(d, p.remote.post(ctx, at("clients", d.ClientID, verb), nil, nil))
}

// clientFault names fields as the file does.
func (p *plan) clientFault(d *seedClient, err error) error {
	switch {
	case isTaken(err, "/client_name"):
		return errors.New("client_name: another client has this name")
	case isRefused(err, codeInvalid, codeTaken):
		return err
	}
	return clientError(d.ClientID, err)
}
