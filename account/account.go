// Package account knows who people are: users, the groups they are in and what these permit them in the administration,
// their passwords, their sessions, the slowing of guesses, and the audit log of what was done. It decides who someone is and
// whether they may come in; it knows nothing of what they may then permit to others, speaks no HTTP and keeps nothing outside
// a store.Backend.
//
// What happens when an audit event cannot be written: a failed login stays a failed login (the event is dropped, because
// an attacker must not gain a different answer from a struggling store); every other act returns the error. A login or a
// first set-up that cannot be recorded is refused; an act that was already done (a user blocked, a password changed)
// stands, and its caller learns that the record of it is missing.
package account

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// What this package answers besides success. A store that is away answers with its own error, never with one of these.
var (
	ErrCredentials    = errors.New("user name or password is wrong")
	ErrTaken          = errors.New("somebody else goes by this name")
	ErrBusy           = errors.New("too many passwords are being checked at once")
	ErrLastSuperAdmin = errors.New("the last active super admin cannot be blocked, demoted or deleted")
	ErrSetupDone      = errors.New("the first super admin exists already")
	ErrSetupLink      = errors.New("the set-up link is wrong, used or expired")
)

// Config is what a Directory needs. Backend and Secret are required; the rest has a default.
type Config struct {
	Backend  store.Backend
	Now      func() time.Time // time.Now
	Hasher   *Hasher          // NewHasher of the zero HasherConfig
	Audit    *Audit           // NewAudit over Backend
	Sessions SessionConfig
	// Secret gives the key that all nodes share for a purpose. It is called only by logins, sessions and form tokens, so
	// that users can be managed where the keys are not loaded.
	Secret func(purpose string) [32]byte
	// Ending is told what is about to end, before it is written; nil: nobody needs to know. Its error refuses the act: an end
	// that was acknowledged has been told.
	Ending func(ctx context.Context, e Ending) error
}

// Ending is what is about to end: all that a user began until now, or one session of his.
type Ending struct {
	UserID    string
	SessionID string // "": everything of the user
}

// Directory holds the users of this installation and their sessions.
type Directory struct {
	Config

	users      *store.Cache[person]
	names      *store.Claims
	emails     *store.Claims
	groups     *store.Cache[circle]
	groupNames *store.Claims
	admins     store.Collection[superAdmins]
	sessions   store.Collection[Session]
	browsers   store.Collection[knownBrowser]
	setups     store.Collection[setupLinks]
	failed     failureCounts
}

// NewDirectory gives the directory of the users in a store. It does not touch the store.
func NewDirectory(c Config) *Directory {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Hasher == nil {
		c.Hasher = NewHasher(HasherConfig{})
	}
	if c.Audit == nil {
		c.Audit = NewAudit(c.Backend, c.Now)
	}
	c.Sessions = c.Sessions.withDefaults()
	d := &Directory{Config: c}
	d.users = store.NewCache(userCollection(c.Backend))
	d.names = store.NewClaims(c.Backend, store.Kind{Name: "user_name"}, d.now)
	d.emails = store.NewClaims(c.Backend, store.Kind{Name: "user_email"}, d.now)
	d.groups = store.NewCache(groupCollection(c.Backend))
	d.groupNames = store.NewClaims(c.Backend, store.Kind{Name: "group_name"}, d.now)
	d.admins = superAdminCollection(c.Backend)
	d.sessions = d.sessionCollection()
	d.browsers = browserCollection(c.Backend)
	d.setups = setupCollection(c.Backend)
	return d
}

// Run follows changes made by other nodes until ctx ends. Without it the directory asks the store every time.
func (d *Directory) Run(ctx context.Context) {
	var both sync.WaitGroup
	both.Go(func() { d.users.Run(ctx) })
	both.Go(func() { d.groups.Run(ctx) })
	both.Wait()
}

func (d *Directory) now() time.Time { return moment(d.Now()) }

// moment is how times are kept: UTC, to the millisecond.
func moment(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
