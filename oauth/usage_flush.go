package oauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// How usage is written. What does not fit into one flush waits for the next.
const (
	usageEvery          = 3 * time.Second
	usageTime           = 10 * time.Second // how long one flush may take
	usageLastTime       = 5 * time.Second  // how long the last one may take
	usageWriters        = 8                // records that are written at once
	tallyWrites         = 1000             // records of counts in a flush; a busy client has two
	authorizationWrites = 300
	authorizationEvery  = minute(5) // how exactly the last use of an authorization is known
)

// RunUsage writes what was gathered every few seconds until ctx ends, and then once more. What a flush could not write
// waits for the next one; where it is not known whether counts were written, they are let go: a count may be too low after
// an outage, and is never too high.
func (p *Provider) RunUsage(ctx context.Context) {
	tick := time.NewTicker(usageEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), usageLastTime)
			defer cancel()
			_ = p.FlushUsage(last) // there is nobody to tell, and the store tells of itself
			return
		case <-tick.C:
		}
		flushing, cancel := context.WithTimeout(ctx, usageTime)
		_, _ = p.usage.flush(flushing) // tried again at the next tick
		cancel()
	}
}

// FlushUsage writes all that was gathered until now.
func (p *Provider) FlushUsage(ctx context.Context) error {
	for {
		more, err := p.usage.flush(ctx)
		if err != nil || !more {
			return err
		}
	}
}

// hold keeps anybody from writing until release: nothing is then on its way between memory and store.
func (u *usage) hold(ctx context.Context) (release func(), err error) {
	select {
	case <-u.flushing:
		return func() { u.flushing <- struct{}{} }, nil
	case <-ctx.Done():
		return nil, &store.UnavailableError{Op: "wait for usage to be written", Err: ctx.Err()}
	}
}

// flush writes a part of what was gathered, and says whether there is more.
func (u *usage) flush(ctx context.Context) (more bool, err error) {
	release, err := u.hold(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	u.gather()
	err = errors.Join(u.writeTallies(ctx), u.writeActive(ctx), u.writeClients(ctx), u.writeAuthorizations(ctx))
	u.mu.Lock()
	defer u.mu.Unlock()
	u.pending.flushes++
	return len(u.pending.tallies)+len(u.pending.authorizations) > 0, err
}

// errStoreAway stands for what was not tried since the store did not answer just before.
var errStoreAway = errors.New("the store does not answer")

// inParallel calls act for each item, a few at once. After the first that the store did not answer the others are not tried:
// they get errStoreAway.
func inParallel[T any](items []T, act func(T) error) (failed map[int]error) {
	var (
		all  sync.WaitGroup
		next atomic.Int64
		away atomic.Bool
		mu   sync.Mutex
	)
	failed = map[int]error{}
	for range min(usageWriters, len(items)) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(items); i = int(next.Add(1)) - 1 {
				err := errStoreAway
				if !away.Load() {
					err = act(items[i])
				}
				if store.IsUnavailable(err) {
					away.Store(true)
				}
				if err != nil {
					mu.Lock()
					failed[i] = err
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	return failed
}

// oneOf gives one of the errors to tell, where all have the same cause most of the time.
func oneOf(failed map[int]error) error {
	for _, err := range failed {
		if !errors.Is(err, errStoreAway) {
			return err
		}
	}
	return nil
}

type tallyWrite struct {
	id    tallyID
	delta *tallyDelta
}

func (u *usage) writeTallies(ctx context.Context) error {
	batch := u.takeTallies()
	failed := inParallel(batch, func(w tallyWrite) error {
		return mergeInto(ctx, u.records.tallies, w.id.String(), func(r *tallyRecord) error {
			r.ID, r.Expires = w.id.String(), w.id.expires()
			for slot, n := range w.delta.counts {
				r.add(slot.slot, slot.outcome, n)
			}
			return nil
		})
	})
	u.mu.Lock()
	defer u.mu.Unlock()
	for i, err := range failed {
		if !errors.Is(err, errUnknownOutcome) {
			u.pending.putBack(batch[i].id, batch[i].delta)
		}
	}
	return oneOf(failed)
}

// takeTallies takes the counts of a flush: those of all first, then what waits for longest.
func (u *usage) takeTallies() []tallyWrite {
	u.mu.Lock()
	defer u.mu.Unlock()
	batch := make([]tallyWrite, 0, len(u.pending.tallies))
	for id, delta := range u.pending.tallies {
		batch = append(batch, tallyWrite{id, delta})
	}
	slices.SortFunc(batch, func(a, b tallyWrite) int {
		if (a.id.client == "") != (b.id.client == "") {
			return cmp.Compare(len(a.id.client), len(b.id.client))
		}
		return cmp.Compare(a.delta.since, b.delta.since)
	})
	batch = batch[:min(len(batch), tallyWrites)]
	for _, w := range batch {
		delete(u.pending.tallies, w.id)
	}
	return batch
}

type activeWrite struct {
	id    activeID
	state activeState
}

func (u *usage) writeActive(ctx context.Context) error {
	batch := u.takeActive()
	failed := inParallel(batch, func(w activeWrite) error {
		err := mergeInto(ctx, u.records.active, w.id.String(), func(r *activeRecord) error {
			r.ID, r.Expires = w.id.String(), w.id.expires()
			return w.state.mergeWith(r)
		})
		if err == nil {
			u.learn(w.id, &w.state)
		}
		return err
	})
	u.mu.Lock()
	defer u.mu.Unlock()
	for i := range failed {
		if state := u.pending.active[batch[i].id]; state != nil {
			state.changed = true
		}
	}
	return oneOf(failed)
}

func (u *usage) takeActive() (batch []activeWrite) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for id, s := range u.pending.active {
		if s.changed {
			batch = append(batch, activeWrite{id, activeState{clients: s.clients.clone(), users: s.users.clone()}})
			s.changed = false
		}
	}
	return batch
}

// learn adds to what this node knows what others had written, so that it does not write that again.
func (u *usage) learn(id activeID, merged *activeState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if state := u.pending.active[id]; state != nil {
		state.clients.merge(&merged.clients)
		state.users.merge(&merged.users)
	}
}

// takeIn adds what a record holds.
func (s *activeState) takeIn(r *activeRecord) error {
	var clients, users sketch
	if err := errors.Join(clients.UnmarshalBinary(r.Clients), users.UnmarshalBinary(r.Users)); err != nil {
		return fmt.Errorf("read %s: %w", r.ID, err)
	}
	s.clients.merge(&clients)
	s.users.merge(&users)
	return nil
}

// mergeWith brings state and record to what both hold. errNothingNew where the record holds all of it already.
func (s *activeState) mergeWith(r *activeRecord) error {
	changed := false
	for _, part := range []struct {
		own    *sketch
		stored *[]byte
	}{{&s.clients, &r.Clients}, {&s.users, &r.Users}} {
		var stored sketch
		if err := stored.UnmarshalBinary(*part.stored); err != nil {
			return fmt.Errorf("read %s: %w", r.ID, err)
		}
		changed = stored.merge(part.own) || changed
		*part.own = stored
		*part.stored, _ = stored.MarshalBinary() // never fails
	}
	if !changed {
		return errNothingNew
	}
	return nil
}

func (u *usage) writeClients(ctx context.Context) error {
	u.mu.Lock()
	buckets := map[string][]clientUse{}
	for k, at := range u.pending.clients {
		bucket := clientBucket(k.client)
		buckets[bucket] = append(buckets[bucket], clientUse{at, k.client, k.secret})
	}
	u.mu.Unlock()
	return oneOf(inParallel(slices.Collect(maps.Keys(buckets)), func(bucket string) error {
		now := u.now()
		err := mergeInto(ctx, u.records.clients.Collection, bucket, func(r *clientUses) error {
			r.ID, r.Expires = bucket, now.Add(clientUsesKept)
			news := false
			for _, use := range buckets[bucket] {
				news = r.note(use) || news
			}
			if !news {
				return errNothingNew
			}
			r.forget(minuteOf(now.Add(-clientUsesKept)))
			return nil
		})
		if err == nil {
			u.wroteClients(buckets[bucket])
		}
		return err
	}))
}

func (u *usage) wroteClients(uses []clientUse) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, use := range uses {
		k := clientKey{use.client, use.secret}
		u.pending.wroteClients[k] = use.at
		if u.pending.clients[k] == use.at {
			delete(u.pending.clients, k)
		}
	}
}

type authorizationWrite struct {
	id  string
	use authorizationUse
}

func (u *usage) writeAuthorizations(ctx context.Context) error {
	u.mu.Lock()
	batch := make([]authorizationWrite, 0, len(u.pending.authorizations))
	for id, use := range u.pending.authorizations {
		batch = append(batch, authorizationWrite{id, use})
	}
	u.mu.Unlock()
	slices.SortFunc(batch, func(a, b authorizationWrite) int { return cmp.Compare(b.use.at, a.use.at) })
	batch = batch[:min(len(batch), authorizationWrites)]
	return oneOf(inParallel(batch, func(w authorizationWrite) error {
		wrote := w.use.at
		err := mergeInto(ctx, u.records.authorizations, w.id, func(r *authorizationUsed) error {
			if r.ID != "" && w.use.at-r.Used < authorizationEvery {
				wrote = r.Used
				return errNothingNew
			}
			*r = authorizationUsed{w.id, w.use.at, w.use.ends}
			return nil
		})
		if err == nil {
			u.wroteAuthorization(w, wrote)
		}
		return err
	}))
}

func (u *usage) wroteAuthorization(w authorizationWrite, at minute) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.pending.wroteAuthorizations[w.id] = at
	if u.pending.authorizations[w.id] == w.use {
		delete(u.pending.authorizations, w.id)
	}
}
