package pages

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// objectKinds are the kinds of objects that the audit log tells of, and can be asked for as they are.
var objectKinds = []string{"client", "api", "user", "group", "key", "page", "store"}

// auditObject finds what somebody means by an object: "client:ID" and "client" as the log names them, an id, or a name.
// What is called so now counts; what is gone is found by its id.
func (s *site) auditObject(ctx context.Context, typed string) (string, error) {
	kind, _, _ := strings.Cut(typed, ":")
	switch {
	case typed == "", slices.Contains(objectKinds, kind):
		return typed, nil
	case strings.HasPrefix(typed, "usr_"):
		return "user:" + typed, nil
	case strings.HasPrefix(typed, "grp_"):
		return "group:" + typed, nil
	case strings.HasPrefix(typed, "api_"):
		return "api:" + typed, nil
	}
	for _, called := range []func(context.Context, string) (string, error){s.clientCalled, s.apiCalled, s.userCalled, s.groupCalled} {
		if object, err := called(ctx, typed); !errors.Is(err, store.ErrNotFound) {
			return object, err
		}
	}
	return "client:" + typed, nil
}

func (s *site) clientCalled(ctx context.Context, name string) (string, error) {
	c, err := s.Provider.Client(ctx, name)
	if err == nil {
		return "client:" + c.ClientID, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	found, err := s.Provider.FindClients(ctx, oauth.ClientQuery{Search: name, Limit: 500})
	if err != nil {
		return "", err
	}
	for _, row := range found.Clients {
		if strings.EqualFold(row.ClientName, name) {
			return "client:" + row.ClientID, nil
		}
	}
	return "", store.ErrNotFound
}

// apiCalled finds an API by its identifier or its name.
func (s *site) apiCalled(ctx context.Context, name string) (string, error) {
	all, err := s.Provider.APIs(ctx)
	if err != nil {
		return "", err
	}
	for _, a := range all {
		if a.Identifier == name || strings.EqualFold(a.Name, name) {
			return "api:" + a.ID, nil
		}
	}
	return "", store.ErrNotFound
}

func (s *site) userCalled(ctx context.Context, name string) (string, error) {
	u, err := s.Directory.UserByName(ctx, name)
	if err != nil {
		return "", err
	}
	return "user:" + u.ID, nil
}

func (s *site) groupCalled(ctx context.Context, name string) (string, error) {
	g, err := s.Directory.GroupByName(ctx, name)
	if err != nil {
		return "", err
	}
	return "group:" + g.ID, nil
}
