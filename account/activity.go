package account

import (
	"sync/atomic"

	"github.com/grantor-dev/grantor/store"
)

// Activity is what this node has done since it started, for whoever watches it.
type Activity struct {
	Failures []Failures
	Lookups  []store.Lookups
}

// Failures counts the logins that failed for one reason.
type Failures struct {
	Reason string // one of a few
	Logins int64
}

// Activity tells what there is to know without asking the store.
func (d *Directory) Activity() Activity {
	a := Activity{Lookups: []store.Lookups{d.users.Lookups(), d.groups.Lookups()}}
	for i, reason := range failureReasons {
		a.Failures = append(a.Failures, Failures{reason, d.failed[i].Load()})
	}
	return a
}

// failureReasons are why logins fail: those of checkPassword, and of tries whose password was not looked at. A store that is
// away is none.
var failureReasons = [...]string{
	"wrong password", "unknown user", "blocked", "unusable password hash", "too long", "throttled", "busy",
}

// failureCounts counts failed logins by reason.
type failureCounts [len(failureReasons)]atomic.Int64

func (c *failureCounts) add(reason string) {
	for i := range failureReasons {
		if failureReasons[i] == reason {
			c[i].Add(1)
		}
	}
}
