package api

import (
	"context"
	"net/http"

	"github.com/grantor-dev/grantor/account"
)

func (s *service) userAccessOperations() {
	register(s, operation{
		method: http.MethodPut, path: "/users/{user_id}/password", id: "set-password", tag: usersTag, status: http.StatusNoContent,
		summary: "Set the password of a user", text: "Replaces the password. Everything that the user began under the old one ends: sessions and tokens.",
		also: giving, example: map[string]any{"password": "correct horse battery staple"},
	}, s.setPassword)
	register(s, operation{
		method: http.MethodPost, path: "/users/{user_id}/block", id: "block-user", tag: usersTag, also: giving, problems: []kind{lastSuperAdmin},
		summary: "Block a user", text: "Keeps a user out. Everything that the user has begun ends: sessions and tokens.",
	}, func(ctx context.Context, in *userIn) (*one[User], error) {
		return s.setBlocked(ctx, in.UserID, account.Block)
	})
	register(s, operation{
		method: http.MethodPost, path: "/users/{user_id}/unblock", id: "unblock-user", tag: usersTag, also: giving,
		summary: "Unblock a user", text: "Lets a user in again. What ended stays ended.",
	}, func(ctx context.Context, in *userIn) (*one[User], error) {
		return s.setBlocked(ctx, in.UserID, account.Unblock)
	})
	register(s, operation{
		method: http.MethodGet, path: "/users/{user_id}/permissions", id: "read-user-permissions", tag: usersTag,
		summary: "See what a user may do", text: "Tells everything that a user may do in the administration, and where each permission comes from.",
	}, s.readPermissions)
	register(s, operation{
		method: http.MethodGet, path: "/users/{user_id}/sessions", id: "list-sessions", tag: usersTag,
		summary: "List the sessions of a user", text: "Lists the browsers on which a user is signed in.",
	}, s.listSessions)
	register(s, operation{
		method: http.MethodDelete, path: "/users/{user_id}/sessions", id: "end-sessions", tag: usersTag,
		summary: "Sign a user out everywhere", text: "Ends all sessions of a user. What the user has allowed to clients stays.", also: giving,
	}, s.endSessions)
	register(s, operation{
		method: http.MethodDelete, path: "/users/{user_id}/sessions/{session_id}", id: "end-session", tag: usersTag,
		summary: "Sign a user out on one browser", text: "Ends one session of a user.", also: giving,
	}, s.endSession)
}

type (
	setPasswordIn struct {
		UserID string `path:"user_id" doc:"The id of the user."`
		body[NewPassword]
	}
	sessionIn struct {
		UserID    string `path:"user_id" doc:"The id of the user."`
		SessionID string `path:"session_id" doc:"The id of the session."`
	}
)

func (s *service) setPassword(ctx context.Context, in *setPasswordIn) (*nothing, error) {
	n, err := in.value()
	if err != nil {
		return nil, err
	}
	return &nothing{}, s.Directory.SetPassword(ctx, in.UserID, n.Password)
}

func (s *service) setBlocked(ctx context.Context, userID string, blocking account.Blocking) (*one[User], error) {
	if err := s.Directory.SetBlocked(ctx, userID, blocking); err != nil {
		return nil, err
	}
	return s.readUser(ctx, &readUserIn{UserID: userID})
}

func (s *service) readPermissions(ctx context.Context, in *userIn) (*plain[EffectivePermissions], error) {
	u, _, err := s.Directory.LoadUser(ctx, in.UserID)
	if err != nil {
		return nil, err
	}
	grounds, err := s.Directory.Explain(ctx, in.UserID)
	if err != nil {
		return nil, err
	}
	answer := EffectivePermissions{SuperAdmin: u.SuperAdmin, Blocked: u.Blocked, Permissions: []Grounds{}}
	for _, g := range grounds {
		one := Grounds{Permission: g.Permission, Title: g.Permission.Title()}
		for _, source := range g.Sources {
			way := Source{Groups: []Reference{}}
			for _, group := range source.Groups {
				way.Groups = append(way.Groups, Reference{group.ID, group.Name})
			}
			one.Sources = append(one.Sources, way)
		}
		answer.Permissions = append(answer.Permissions, one)
	}
	return &plain[EffectivePermissions]{answer}, nil
}

func (s *service) listSessions(ctx context.Context, in *userIn) (*plain[Page[Session]], error) {
	sessions, err := s.Directory.SessionsOf(ctx, in.UserID)
	if err != nil {
		return nil, err
	}
	return &plain[Page[Session]]{pageOf(sessions, "", func(one *account.Session) Session {
		return Session{
			ID: one.ID, Authenticated: one.Authenticated, Created: one.Created, Seen: one.Seen, Address: one.Address, UserAgent: one.UserAgent,
		}
	}).counted(len(sessions))}, nil
}

func (s *service) endSessions(ctx context.Context, in *userIn) (*nothing, error) {
	sessions, err := s.Directory.SessionsOf(ctx, in.UserID)
	if err != nil {
		return nil, err
	}
	for _, one := range sessions {
		if err := s.Directory.EndSessionByID(ctx, in.UserID, one.ID); err != nil {
			return nil, err
		}
	}
	return &nothing{}, nil
}

func (s *service) endSession(ctx context.Context, in *sessionIn) (*nothing, error) {
	return &nothing{}, s.Directory.EndSessionByID(ctx, in.UserID, in.SessionID)
}
