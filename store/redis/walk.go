package redis

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/grantor-dev/grantor/store"
)

var _ store.Walker = (*Store)(nil)

// walkPage is how many keys Redis looks at for one answer of SCAN, and how many are read at once.
const walkPage = 200

// walkTries is how often a page is asked for before a walk gives up.
const walkTries = 5

var (
	errMoved   = errors.New("redis was restarted, failed over or moved slots while it was read: read it again")
	errForeign = errors.New("redis holds something under the prefix that is no record of ours")
)

// Records gives every record; see store.Walker.
func (s *Store) Records(ctx context.Context, kinds store.Kinds) iter.Seq2[store.Record, error] {
	return walk(ctx, s, "r:", func(ctx context.Context, node *goredis.Client, found []string) ([]store.Record, error) {
		pipe := node.Pipeline()
		values := make([]*goredis.StringCmd, len(found))
		for i, key := range found {
			values[i] = pipe.Get(ctx, key)
		}
		_, _ = pipe.Exec(ctx) // each command holds its error
		var page []store.Record
		for i, key := range found {
			value, err := values[i].Bytes()
			if errors.Is(err, goredis.Nil) {
				continue
			}
			if err != nil {
				return nil, s.failed(operation{verb: "walk"}, err)
			}
			kind, id, err := s.keys.ofRecord(kinds, key)
			if err != nil {
				return nil, err
			}
			r, err := store.Unmarshal(kind, id, value)
			if err != nil {
				return nil, fmt.Errorf("walk %s: %w", kind.Name, err)
			}
			if !r.Expired(s.options.Now()) {
				page = append(page, r)
			}
		}
		return page, nil
	})
}

// Counters gives every counter; see store.Walker.
func (s *Store) Counters(ctx context.Context, kinds store.Kinds) iter.Seq2[store.Counter, error] {
	return walk(ctx, s, "c:", func(ctx context.Context, node *goredis.Client, found []string) ([]store.Counter, error) {
		pipe := node.Pipeline()
		asked := make([]askedCounter, len(found))
		now := s.options.Now()
		for i, key := range found {
			asked[i] = askedCounter{pipe.Get(ctx, key), pipe.PTTL(ctx, key)}
		}
		_, _ = pipe.Exec(ctx) // each command holds its error
		var page []store.Counter
		for i, key := range found {
			c, err := asked[i].counter(now)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, s.failed(operation{verb: "walk"}, err)
			}
			if c.Kind, c.ID, err = s.keys.ofCounter(kinds, key); err != nil {
				return nil, err
			}
			page = append(page, c)
		}
		return page, nil
	})
}

// askedCounter is a counter that Redis was asked for.
type askedCounter struct {
	value *goredis.StringCmd
	left  *goredis.DurationCmd
}

// counter reads the answer. Its end is counted from now, the moment before Redis was asked.
func (a askedCounter) counter(now time.Time) (store.Counter, error) {
	value, err := a.value.Int64()
	if errors.Is(err, goredis.Nil) || err == nil && value == 0 {
		return store.Counter{}, store.ErrNotFound
	}
	if err != nil {
		return store.Counter{}, err
	}
	left, err := a.left.Result()
	switch {
	case err != nil:
		return store.Counter{}, err
	case left == -1: // go-redis gives the two words of PTTL as numbers
		return store.Counter{Value: value}, nil
	case left <= 0:
		return store.Counter{}, store.ErrNotFound
	}
	return store.Counter{Value: value, Ends: now.Add(left)}, nil
}

// Counter reads a counter with its end; see store.Walker.
func (s *Store) Counter(ctx context.Context, kind store.Kind, id string) (store.Counter, error) {
	op := operation{"counter", kind}
	ctx, err := s.begin(ctx, op)
	if err != nil {
		return store.Counter{}, err
	}
	key := s.keys.counter(kind, id)
	now := s.options.Now()
	pipe := s.client.Pipeline()
	asked := askedCounter{pipe.Get(ctx, key), pipe.PTTL(ctx, key)}
	_, _ = pipe.Exec(ctx) // each command holds its error
	c, err := asked.counter(now)
	if errors.Is(err, store.ErrNotFound) {
		return store.Counter{}, err
	}
	c.Kind, c.ID = kind, id
	return c, s.failed(op, err)
}

// SetCounter writes a counter; see store.Walker.
func (s *Store) SetCounter(ctx context.Context, c store.Counter) error {
	op := operation{"set counter", c.Kind}
	if err := (store.Record{Kind: c.Kind, ID: c.ID}).Check(); err != nil {
		return err
	}
	ctx, err := s.begin(ctx, op)
	if err != nil {
		return err
	}
	key := s.keys.counter(c.Kind, c.ID)
	left := s.left(c.Ends)
	switch {
	case c.Value == 0 || left == ended:
		err = s.do(ctx, "del", key).Err()
	case left == never:
		err = s.do(ctx, "set", key, c.Value).Err()
	default:
		err = s.do(ctx, "set", key, c.Value, "px", left).Err()
	}
	return s.failed(op, err)
}

// walk reads everything whose keys begin with the prefix and sort, from every master in turn, page by page.
func walk[T any](ctx context.Context, s *Store, sort string, read func(context.Context, *goredis.Client, []string) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var nothing T
		before, nodes, err := s.nodes(ctx)
		for _, node := range nodes {
			for page, err := range pages(ctx, s, node, sort, read) {
				if err != nil {
					yield(nothing, err)
					return
				}
				for _, one := range page {
					if !yield(one, nil) {
						return
					}
				}
			}
		}
		var after string
		if err == nil {
			after, _, err = s.nodes(ctx)
		}
		if err == nil && after != before {
			err = s.failed(operation{verb: "walk"}, errMoved)
		}
		if err != nil {
			yield(nothing, err)
		}
	}
}

// pages gives what read makes of the keys of one node.
func pages[T any](ctx context.Context, s *Store, node *goredis.Client, sort string, read func(context.Context, *goredis.Client, []string) ([]T, error)) iter.Seq2[[]T, error] {
	pattern := escapePattern(s.keys.prefix) + sort + "*"
	return func(yield func([]T, error) bool) {
		for cursor := uint64(0); ; {
			var page []T
			err := s.patiently(ctx, func(ctx context.Context) error {
				found, next, err := node.Scan(ctx, cursor, pattern, walkPage).Result()
				if err != nil {
					return s.failed(operation{verb: "walk"}, err)
				}
				if page, err = read(ctx, node, found); err == nil {
					cursor = next
				}
				return err
			})
			if !yield(page, err) || err != nil || cursor == 0 {
				return
			}
		}
	}
}

// patiently does what may be done again where Redis does not answer.
func (s *Store) patiently(ctx context.Context, do func(context.Context) error) error {
	for try := 1; ; try++ {
		bounded, err := s.begin(ctx, operation{verb: "walk"})
		if err != nil {
			return err
		}
		err = do(bounded)
		if err == nil || !store.IsUnavailable(err) || try == walkTries || ctx.Err() != nil {
			return err
		}
		select {
		case <-time.After(time.Duration(try) * 100 * time.Millisecond):
		case <-ctx.Done():
			return s.failed(operation{verb: "walk"}, ctx.Err())
		}
	}
}

// nodes gives every master, and a text that differs once one of them was restarted or replaced, or slots have moved: what
// SCAN has given until then is not a whole any more.
func (s *Store) nodes(ctx context.Context) (state string, nodes []*goredis.Client, err error) {
	var mu sync.Mutex
	err = s.patiently(ctx, func(ctx context.Context) error {
		var found []string
		nodes = nil
		err := s.eachMaster(ctx, func(ctx context.Context, c *goredis.Client) error {
			info, err := c.Info(ctx, "server").Result()
			if err != nil {
				return s.failed(operation{verb: "walk"}, err)
			}
			mu.Lock()
			defer mu.Unlock()
			nodes = append(nodes, c)
			for line := range strings.Lines(info) {
				if strings.HasPrefix(line, "run_id:") {
					found = append(found, strings.TrimSpace(line))
				}
			}
			return nil
		})
		if err == nil && s.cluster {
			var slots []goredis.ClusterSlot
			slots, err = s.client.ClusterSlots(ctx).Result()
			for _, slot := range slots {
				if len(slot.Nodes) > 0 {
					found = append(found, strconv.Itoa(slot.Start)+"-"+strconv.Itoa(slot.End)+" "+slot.Nodes[0].Addr)
				}
			}
			err = s.failed(operation{verb: "walk"}, err)
		}
		slices.Sort(found)
		state = strings.Join(found, "\n")
		return err
	})
	return state, nodes, err
}

// escapePattern takes the meaning from what SCAN would read as a pattern.
func escapePattern(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`, `^`, `\^`, `-`, `\-`).Replace(text)
}

// ofRecord takes the key of a record apart.
func (k keys) ofRecord(kinds store.Kinds, key string) (store.Kind, string, error) {
	name, id, found := strings.Cut(strings.TrimPrefix(key, k.prefix+"r:"), ":")
	name, small := strings.CutPrefix(name, "{")
	if small {
		name, small = strings.CutSuffix(name, "}")
		found = found && small
	}
	if !found || id == "" {
		return store.Kind{}, "", errForeign
	}
	kind, err := kinds.Find(name)
	if err != nil {
		return store.Kind{}, "", err
	}
	if kind.Spread == small {
		return store.Kind{}, "", fmt.Errorf("%s: %w", name, errForeign)
	}
	return kind, id, nil
}

// ofCounter takes the key of a counter apart.
func (k keys) ofCounter(kinds store.Kinds, key string) (store.Kind, string, error) {
	name, id, found := strings.Cut(strings.TrimPrefix(key, k.prefix+"c:"), ":")
	if !found || id == "" {
		return store.Kind{}, "", errForeign
	}
	kind, err := kinds.Find(name)
	return kind, id, err
}
