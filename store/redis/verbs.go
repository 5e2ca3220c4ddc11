package redis

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/grantor-dev/grantor/store"
)

// Get reads a record.
func (s *Store) Get(ctx context.Context, kind store.Kind, id string) (store.Record, error) {
	op := operation{"get", kind}
	if !storable(id) {
		return store.Record{}, store.ErrNotFound
	}
	ctx, err := s.begin(ctx, op)
	if err != nil {
		return store.Record{}, err
	}
	key := s.keys.record(kind, id)
	value, err := s.bytes(ctx, "get", key)
	if brokenConnection(err) && ctx.Err() == nil {
		value, err = s.bytes(ctx, "get", key)
	}
	return s.record(op, kind, id, value, err)
}

// Create writes a record that must not exist.
func (s *Store) Create(ctx context.Context, r store.Record) (uint64, error) {
	op := operation{"create", r.Kind}
	if err := r.Check(); err != nil {
		return 0, err
	}
	ctx, err := s.begin(ctx, op)
	if err != nil {
		return 0, err
	}
	r.Version = version()
	left := s.left(r.Expires)
	const attempts = 2 // the second if the record in the way ended between two steps of the first
	for range attempts {
		created, err := s.create(ctx, r, left)
		if err != nil {
			return 0, s.failed(op, err)
		}
		if created {
			return r.Version, nil
		}
		outcome, err := s.replaceEnded(ctx, r, left)
		if err != nil {
			return 0, s.failed(op, err)
		}
		if outcome == swapDone {
			return r.Version, nil
		}
		if outcome == swapConflict {
			break
		}
	}
	return 0, store.ErrExists
}

// replaceEnded writes r over a record that has ended by our clock and not yet by that of Redis.
func (s *Store) replaceEnded(ctx context.Context, r store.Record, left string) (int, error) {
	value, err := s.read(ctx, "get", s.keys.record(r.Kind, r.ID)).Text()
	if errors.Is(err, goredis.Nil) {
		return swapMissing, nil
	}
	if err != nil {
		return 0, err
	}
	old, err := store.Unmarshal(r.Kind, r.ID, []byte(value))
	if err != nil || !old.Expired(s.options.Now()) {
		return swapConflict, nil // what we cannot read exists as well
	}
	return s.swap(ctx, old, r, left)
}

func (s *Store) create(ctx context.Context, r store.Record, left string) (bool, error) {
	key := s.keys.record(r.Kind, r.ID)
	pairs := s.keys.index(r.Kind, r.Tags)
	if s.apart(r.Kind) {
		// The index first: a record that nobody can list must not exist, an entry without a record does no harm.
		if err := s.enter(ctx, pairs, r.ID, s.listed(r)); err != nil {
			return false, err
		}
		pairs = nil
	}
	if len(pairs) == 0 && left != ended {
		args := []any{"set", key, r.Marshal(), "nx"}
		if left != never {
			args = append(args, "px", left)
		}
		err := s.do(ctx, args...).Err()
		if errors.Is(err, goredis.Nil) {
			return false, nil
		}
		return err == nil, err
	}
	done, err := s.run(ctx, createScript, append([]string{key}, pairs...), s.slackSeconds(), r.ID, s.listed(r), left, r.Marshal()).Int()
	return done == 1, err
}

// Swap replaces old by next if old still has its version.
func (s *Store) Swap(ctx context.Context, old, next store.Record) (uint64, error) {
	op := operation{"swap", next.Kind}
	if err := next.Check(); err != nil {
		return 0, err
	}
	if old.Kind != next.Kind || old.ID != next.ID {
		return 0, fmt.Errorf("%s: the records differ in kind or id", op)
	}
	ctx, err := s.begin(ctx, op)
	if err != nil {
		return 0, err
	}
	if old.Expired(s.options.Now()) {
		return 0, store.ErrNotFound
	}
	next.Version = version()
	outcome, err := s.swap(ctx, old, next, s.left(next.Expires))
	switch {
	case err != nil:
		return 0, s.failed(op, err)
	case outcome == swapMissing:
		return 0, store.ErrNotFound
	case outcome == swapConflict:
		return 0, store.ErrConflict
	}
	return next.Version, nil
}

// What the swap scripts return.
const (
	swapDone     = 1
	swapConflict = 0
	swapMissing  = -1
)

func (s *Store) swap(ctx context.Context, old, next store.Record, left string) (int, error) {
	script, tags := swapSmallScript, next.Tags
	if next.Kind.Spread {
		script, tags = swapScript, unlisted(old, next, s.options.Now())
	}
	pairs := s.keys.index(next.Kind, tags)
	if s.apart(next.Kind) {
		if err := s.enter(ctx, pairs, next.ID, s.listed(next)); err != nil {
			return 0, err
		}
		pairs = nil
	}
	names := append([]string{s.keys.record(next.Kind, next.ID)}, pairs...)
	return s.run(ctx, script, names, s.slackSeconds(), next.ID, s.listed(next), left, next.Marshal(),
		binary.BigEndian.AppendUint64(nil, old.Version)).Int()
}

// Take reads a record and deletes it. The index entries of a spread kind stay behind; List drops them.
func (s *Store) Take(ctx context.Context, kind store.Kind, id string) (store.Record, error) {
	op := operation{"take", kind}
	if !storable(id) {
		return store.Record{}, store.ErrNotFound
	}
	ctx, err := s.begin(ctx, op)
	if err != nil {
		return store.Record{}, err
	}
	key := s.keys.record(kind, id)
	if kind.Spread {
		value, err := s.bytes(ctx, "getdel", key)
		return s.record(op, kind, id, value, err)
	}
	names := append([]string{key}, s.keys.index(kind, nil)...)
	value, err := s.run(ctx, takeSmallScript, names, id).Text()
	return s.record(op, kind, id, []byte(value), err)
}

// Add adds to a counter.
func (s *Store) Add(ctx context.Context, kind store.Kind, id string, n int64, ttl time.Duration) (int64, error) {
	op := operation{"add", kind}
	if err := (store.Record{Kind: kind, ID: id}).Check(); err != nil {
		return 0, err
	}
	ctx, err := s.begin(ctx, op)
	if err != nil {
		return 0, err
	}
	key := s.keys.counter(kind, id)
	var reply *goredis.Cmd
	switch {
	case n == 0:
		reply = s.read(ctx, "get", key)
	case ttl <= 0:
		reply = s.do(ctx, "incrby", key, n)
	default:
		reply = s.run(ctx, addScript, []string{key}, n, max(ttl.Milliseconds(), 1))
	}
	value, err := reply.Int64()
	if errors.Is(err, goredis.Nil) {
		return 0, nil
	}
	return value, s.failed(op, err)
}

// record makes a record of a reply that is one.
func (s *Store) record(op operation, kind store.Kind, id string, value []byte, err error) (store.Record, error) {
	if errors.Is(err, goredis.Nil) {
		return store.Record{}, store.ErrNotFound
	}
	if err != nil {
		return store.Record{}, s.failed(op, err)
	}
	r, err := store.Unmarshal(kind, id, value)
	if err != nil {
		return store.Record{}, fmt.Errorf("%s: %w", op, err)
	}
	if r.Expired(s.options.Now()) {
		return store.Record{}, store.ErrNotFound
	}
	return r, nil
}

// apart reports whether the index lies elsewhere than the record and cannot change in one step with it.
func (s *Store) apart(kind store.Kind) bool { return s.cluster && kind.Spread }

// unlisted gives those tags of next that the index of a spread kind does not hold as long as next lives.
func unlisted(old, next store.Record, now time.Time) []string {
	longer := !old.Expires.IsZero() && (next.Expires.IsZero() || next.Expires.After(listedAtLeast(old, now)))
	if longer {
		return next.Tags
	}
	had := map[string]bool{}
	for _, tag := range old.Tags {
		had[tag] = true
	}
	var tags []string
	for _, tag := range next.Tags {
		if !had[tag] {
			tags = append(tags, tag)
		}
	}
	return tags
}

// What left answers besides a number of milliseconds.
const (
	never = ""
	ended = "0"
)

// left gives the time to live in milliseconds. It is counted by our clock and told to Redis as a duration, so that the
// clock of Redis does not matter.
func (s *Store) left(expires time.Time) string {
	if expires.IsZero() {
		return never
	}
	ms := expires.UnixMilli() - s.options.Now().UnixMilli()
	return strconv.FormatInt(max(ms, 0), 10)
}

// listed is left for the entries in an index. Those of a spread kind last beyond the record, so that a record whose end
// moves on a little, as that of each refresh does, need not be entered again.
func (s *Store) listed(r store.Record) string {
	if !r.Kind.Spread || r.Expires.IsZero() {
		return s.left(r.Expires)
	}
	return s.left(roundUp(r.Expires, grid(r.Expires.Sub(s.options.Now()))))
}

// listedAtLeast is an end that the entries of a spread record have, whichever node made them and when: it had at least as
// long to live then as now. Half of that allows for clocks that differ.
func listedAtLeast(r store.Record, now time.Time) time.Time {
	return roundUp(r.Expires, grid(r.Expires.Sub(now)/2))
}

// grid is what the end of an entry is rounded up to. Each step is a multiple of the next, so that a longer life never
// gives an earlier end; none is longer than half the life, so that an index does not grow by more than that.
func grid(life time.Duration) time.Duration {
	for _, step := range []time.Duration{24 * time.Hour, 4 * time.Hour, 30 * time.Minute, 5 * time.Minute, time.Minute} {
		if life >= 2*step {
			return step
		}
	}
	return time.Millisecond
}

func roundUp(t time.Time, step time.Duration) time.Time {
	if down := t.Truncate(step); !down.Equal(t) {
		return down.Add(step)
	}
	return t
}

func (s *Store) slackSeconds() int64 { return int64(s.slack / time.Second) }

func storable(id string) bool { return id != "" && len(id) <= store.MaxID }

// version gives a random version: one that was never seen before, also after a record was deleted and made again.
func version() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return max(binary.BigEndian.Uint64(b[:]), 1)
}
