package account

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// SessionConfig says how long sessions last. Zero fields have the defaults: 12 hours idle, 7 days in all.
type SessionConfig struct {
	Idle     time.Duration
	Absolute time.Duration
}

func (c SessionConfig) withDefaults() SessionConfig {
	if c.Idle <= 0 {
		c.Idle = 12 * time.Hour
	}
	if c.Absolute <= 0 {
		c.Absolute = 7 * 24 * time.Hour
	}
	return c
}

// seenEvery is how exactly a session knows when it was last used.
const seenEvery = time.Minute

// Session is someone signed in on one browser. Its ID is a digest of the cookie, which is stored nowhere.
type Session struct {
	ID            string    `json:"id"`
	UserID        string    `json:"user_id"`
	NotBefore     time.Time `json:"not_before,omitzero"` // the user's when it began: it ends when that moves
	Authenticated time.Time `json:"authenticated"`       // when the password was given
	Created       time.Time `json:"created"`
	Seen          time.Time `json:"seen"`
	Address       string    `json:"address,omitempty"`
	UserAgent     string    `json:"user_agent,omitempty"`
}

func (d *Directory) sessionCollection() store.Collection[Session] {
	return store.Collection[Session]{
		Backend: d.Backend,
		Kind:    store.Kind{Name: "session", Spread: true},
		ID:      func(s *Session) string { return s.ID },
		Tags:    func(s *Session) []string { return []string{sessionsOf(s.UserID)} },
		Expires: d.sessionEnd,
	}
}

func sessionsOf(userID string) string { return "user:" + userID }

// sessionEnd is when a session ends if nobody uses it again.
func (d *Directory) sessionEnd(s *Session) time.Time {
	idle, absolute := s.Seen.Add(d.Sessions.Idle), s.Created.Add(d.Sessions.Absolute)
	if absolute.Before(idle) {
		return absolute
	}
	return idle
}

// NewSession is what a session is told about its browser. Replaces is the cookie that the browser sent, if any: what it
// stood for ends, so that nobody who planted or copied it gains the new login.
type NewSession struct {
	Address   string
	UserAgent string
	Replaces  string
}

// StartSession signs in a user whom Login or CompleteSetup just gave, under a cookie that nobody has seen before. A user
// whose password changed since then gets a session that is dead from the start.
func (d *Directory) StartSession(ctx context.Context, user *User, n NewSession) (cookie string, s *Session, err error) {
	if n.Replaces != "" {
		if err := d.EndSession(ctx, n.Replaces); err != nil {
			return "", nil, err
		}
	}
	cookie = newSecret()
	now := later(d.now(), user.NotBefore.Add(time.Millisecond)) // another node's clock may be ahead
	s = &Session{
		ID: d.sessionID(cookie), UserID: user.ID, NotBefore: user.NotBefore,
		Authenticated: now, Created: now, Seen: now,
		Address: shown(n.Address, maxEventText), UserAgent: shown(n.UserAgent, maxEventText),
	}
	if err := d.sessions.Create(ctx, s); err != nil {
		return "", nil, fmt.Errorf("start session: %w", err)
	}
	return cookie, s, nil
}

// Session tells whose session a cookie stands for. store.ErrNotFound for everything that is not a live session of a user
// who may come in: garbage, ended, timed out, blocked, password changed.
func (d *Directory) Session(ctx context.Context, cookie string) (*Session, *User, error) {
	if !isSecret(cookie) {
		return nil, nil, store.ErrNotFound
	}
	stored, err := d.sessions.Load(ctx, d.sessionID(cookie))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, store.ErrNotFound
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read session: %w", err)
	}
	s := stored.Value
	u, err := d.User(ctx, s.UserID)
	if err != nil {
		return nil, nil, err
	}
	if !d.alive(s, u) {
		return nil, nil, store.ErrNotFound
	}
	return d.seen(ctx, stored, u)
}

func (d *Directory) alive(s *Session, u *User) bool {
	return d.now().Before(d.sessionEnd(s)) && u.Stands(s.NotBefore)
}

// seen notes that a session is in use. What it could not write it writes next time; only a session that was ended
// meanwhile is gone.
func (d *Directory) seen(ctx context.Context, stored store.Stored[Session], u *User) (*Session, *User, error) {
	s := stored.Value
	now := d.now()
	if now.Sub(s.Seen) < seenEvery {
		return s, u, nil
	}
	next := *s
	next.Seen = now
	_, err := d.sessions.Swap(ctx, stored, &next)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, store.ErrNotFound
	}
	if err != nil {
		return s, u, nil
	}
	return &next, u, nil
}

// EndSession signs out. A cookie that stands for no session is no error.
func (d *Directory) EndSession(ctx context.Context, cookie string) error {
	if !isSecret(cookie) {
		return nil
	}
	return d.endSession(ctx, d.sessionID(cookie))
}

// EndSessionByID ends a session of a user. store.ErrNotFound where the user has no such session, *ForbiddenError.
func (d *Directory) EndSessionByID(ctx context.Context, userID, id string) error {
	if id == "" || len(id) > store.MaxID {
		return store.ErrNotFound
	}
	s, err := d.sessions.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return store.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("read session: %w", err)
	}
	if s.UserID != userID {
		return store.ErrNotFound
	}
	u, err := d.load(ctx, userID)
	if errors.Is(err, store.ErrNotFound) {
		return d.endSession(ctx, id) // of a user who was deleted
	}
	if err != nil {
		return err
	}
	if err := d.mayEnd(ctx, &u.Value.User); err != nil {
		return err
	}
	return d.endSession(ctx, id)
}

func (d *Directory) endSession(ctx context.Context, id string) error {
	s, err := d.sessions.Get(ctx, id)
	if err == nil {
		if err := d.tellEnding(ctx, Ending{UserID: s.UserID, SessionID: s.ID}); err != nil {
			return err
		}
		s, err = d.sessions.Take(ctx, id)
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return d.record(ctx, "session.ended", s.UserID)
}

// SessionsOf gives the live sessions of a user, to be shown and ended. store.ErrNotFound where there is no such user.
func (d *Directory) SessionsOf(ctx context.Context, userID string) ([]*Session, error) {
	u, err := d.User(ctx, userID)
	if err != nil {
		return nil, err
	}
	var live []*Session
	err = d.sessions.All(ctx, sessionsOf(userID), func(s *Session) error {
		if s.UserID == userID && d.alive(s, u) {
			live = append(live, s)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return live, nil
}

func (d *Directory) sessionID(cookie string) string {
	return keyedDigest(d.Secret("session"), "session", cookie)
}

const secretBytes = 32

// newSecret gives 256 random bits, base64url.
func newSecret() string {
	var b [secretBytes]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// isSecret tells whether s could have come from newSecret, which spares the store a look-up of junk.
func isSecret(s string) bool {
	if len(s) != base64.RawURLEncoding.EncodedLen(secretBytes) {
		return false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(b) == secretBytes
}
