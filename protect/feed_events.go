package protect

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// attemptsToRead is how often an event is asked for that cannot be read.
const attemptsToRead = 3

var errUnreadable = errors.New("an event of the revocation feed cannot be read")

// take acts on an event. Position and time move on only after it was taken whole.
func (f *feed) take(e event, caughtUp *bool) error {
	if err := f.act(e, caughtUp); err != nil {
		if err := f.unreadable(e, err); err != nil {
			return err
		}
	}
	// Heartbeats need no more than what follows; the names of events to come are known to readers to come.
	if e.id != "" {
		f.position = e.id
	}
	if *caughtUp {
		f.heard.Store(f.config.Now().UnixNano())
		f.report()
	}
	return nil
}

// act does what an event asks for. The error says why it cannot be read.
func (f *feed) act(e event, caughtUp *bool) error {
	switch {
	case e.broken:
		return errors.New("it is too long")
	case e.name == "ended":
		return f.deny(e.data)
	case e.name == "keys":
		return f.keysChanged(e.data)
	case e.name == "ready":
		*caughtUp = true
		f.heard.Store(f.config.Now().UnixNano())
		f.begin.Do(func() { close(f.begun) })
	case e.name == "reset":
		*caughtUp = false
		f.config.Log.Info("the revocation feed begins anew; what it denied before stays denied", "issuer", f.config.Issuer)
	}
	return nil
}

// unreadable answers an event that may have ended something, nobody knows what. It may have been damaged on the way, so
// the feed counts as away and the event is asked for again, three times in all. If it stays what it is, an error is
// logged and the feed goes on behind it: to stop there would lose all that follows as well, or put every API away that
// listens for as long as the server repeats it.
func (f *feed) unreadable(e event, why error) error {
	if f.stuck.times == 0 || f.stuck.at != f.position {
		f.stuck.at, f.stuck.times = f.position, 0
	}
	f.stuck.times++
	if f.stuck.times < attemptsToRead {
		f.heard.Store(0)
		return fmt.Errorf("%w: %w", errUnreadable, why)
	}
	f.config.Log.Error("an event of the revocation feed cannot be read and is passed over: something may have ended that is still accepted",
		"issuer", f.config.Issuer, "event", e.id, "cause", why)
	return nil
}

// record is the data of an event `ended`.
type record struct {
	Type          string `json:"type"`
	ID            string `json:"jti"`
	Authorization string `json:"authorization"`
	ClientID      string `json:"client_id"`
	Subject       string `json:"sub"`
	Generation    string `json:"gen"`
	Before        *int64 `json:"before"`
	Until         *int64 `json:"until"`
}

// clockError is by how much a clock may be ahead for a while, until somebody sets it right: tokens that were over by it are
// good again then, and what was told of them must still be known.
const clockError = time.Hour

// remembered is until when something is kept that matters until a time: longer than the server says by the difference that clocks
// may have, and by clockError.
func (f *feed) remembered(until int64) uint32 {
	return clampSecond(min(max(until, 0), math.MaxUint32) + int64((f.config.Skew+clockError+time.Second-1)/time.Second))
}

// deny notes what an event says has ended, for as long as tokens are taken that it is about.
func (f *feed) deny(data []byte) error {
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return errors.New("its data is not as expected") // what it is stays out of the log
	}
	if r.Until == nil {
		return errors.New("it lacks until")
	}
	now, until := second(f.config.Now()), f.remembered(*r.Until)
	mark := f.discovery.mark
	switch {
	case r.Type == "token" && r.ID != "":
		f.denied.tokens.add(mark(r.ID), until, now)
	case r.Type == "authorization" && r.Authorization != "":
		f.denied.authorizations.add(mark(r.Authorization), until, now)
	case r.Type == "client" && r.ClientID != "":
		f.denied.clients.set(mark(r.ClientID), orAlways(r.Before), until, now)
	case r.Type == "subject" && (r.Generation != "" || r.Subject != "" && r.Before != nil):
		f.denySubject(r, until, now)
	case r.Type == "session" && r.Authorization != "":
		if f.config.EndWithSession {
			f.denied.sessions.add(mark(r.Authorization), until, now)
		}
	default:
		return errors.New("it does not tell what ended")
	}
	return nil
}

// denySubject ends the tokens of a user that have the generation. Those without one are older than generations, and end by
// their time, to the second.
func (f *feed) denySubject(r record, until, now uint32) {
	mark := f.discovery.mark
	if r.Generation != "" {
		f.denied.gens.add(mark(r.Generation), until, now)
	}
	if r.Subject != "" && r.Before != nil {
		lastMillisecond := min(max(*r.Before, 0), math.MaxUint32)*1000 + 999
		f.denied.subjects.set(mark(r.Subject), lastMillisecond, until, now)
	}
}

func orAlways(before *int64) int64 {
	if before == nil {
		return always
	}
	return *before
}

// keysChanged takes an event `keys`: the key set is not what it was, and some keys may have been withdrawn. Where it does not tell
// which, reading the set again does.
func (f *feed) keysChanged(data []byte) error {
	var r struct {
		Withdrawn []string `json:"withdrawn"`
		Until     *int64   `json:"until"`
	}
	switch err := json.Unmarshal(data, &r); {
	case err == nil && len(r.Withdrawn) == 0:
		f.keys.changed()
		return nil
	case err != nil || r.Until == nil || slices.Contains(r.Withdrawn, ""):
		f.keys.changed()
		return errors.New("it does not tell which keys were withdrawn") // what it is stays out of the log
	}
	f.keys.withdraw(r.Withdrawn, time.Unix(int64(f.remembered(*r.Until)), 0))
	return nil
}
