package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/grantor-dev/grantor/store"
)

// pageSize bounds a page, so that reading it stays within the time of a verb.
const pageSize = 500

// List returns a page of the records under a tag.
func (s *Store) List(ctx context.Context, kind store.Kind, tag, cursor string, limit int) ([]store.Record, string, error) {
	op := operation{"list", kind}
	if kind.Spread && tag == "" {
		return nil, "", fmt.Errorf("%s: a spread kind is listed by tag only", op)
	}
	limit = min(max(limit, 1), pageSize)
	ctx, err := s.begin(ctx, op)
	if err != nil {
		return nil, "", err
	}
	for {
		ids, more, err := s.ids(ctx, kind, tag, cursor, limit)
		if err != nil {
			return nil, "", s.failed(op, err)
		}
		page, err := s.page(ctx, kind, tag, ids)
		if err != nil || !more {
			return page, "", err
		}
		cursor = ids[len(ids)-1]
		if len(page) > 0 {
			return page, cursor, nil
		}
	}
}

// ids reads a page of the index, and whether there is another.
func (s *Store) ids(ctx context.Context, kind store.Kind, tag, cursor string, limit int) ([]string, bool, error) {
	index, _ := s.keys.tag(kind, tag)
	from := "-"
	if cursor != "" {
		from = "(" + cursor
	}
	ids, err := s.read(ctx, "zrangebylex", index, from, "+", "limit", 0, limit+1).StringSlice()
	if err != nil || len(ids) <= limit {
		return ids, false, err
	}
	return ids[:limit], true, nil
}

// page reads those of the records that are there and carry the tag, and drops the others from the index.
func (s *Store) page(ctx context.Context, kind store.Kind, tag string, ids []string) ([]store.Record, error) {
	op := operation{"list", kind}
	values, err := s.values(ctx, kind, ids)
	if err != nil {
		return nil, s.failed(op, err)
	}
	var (
		page  []store.Record
		stale []string
		now   = s.options.Now()
	)
	for i, value := range values {
		text, ok := value.(string)
		if !ok {
			stale = append(stale, ids[i])
			continue
		}
		r, err := store.Unmarshal(kind, ids[i], []byte(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
		if tag != "" && !slices.Contains(r.Tags, tag) {
			stale = append(stale, ids[i])
			continue
		}
		if !r.Expired(now) {
			page = append(page, r)
		}
	}
	s.drop(ctx, kind, tag, stale)
	return page, nil
}

// values reads records, nil for each that is not there.
func (s *Store) values(ctx context.Context, kind store.Kind, ids []string) ([]any, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	if s.apart(kind) {
		return s.scattered(ctx, kind, ids)
	}
	const together = 100 // one reply, and Redis does nothing else meanwhile
	var values []any
	for part := range slices.Chunk(ids, together) {
		args := []any{"mget"}
		for _, id := range part {
			args = append(args, s.keys.record(kind, id))
		}
		found, err := s.read(ctx, args...).Slice()
		if err != nil {
			return nil, err
		}
		values = append(values, found...)
	}
	return values, nil
}

// scattered reads records that lie on several nodes.
func (s *Store) scattered(ctx context.Context, kind store.Kind, ids []string) ([]any, error) {
	pipe := s.client.Pipeline()
	cmds := make([]once, len(ids))
	for i, id := range ids {
		cmds[i] = once{goredis.NewCmd(ctx, "get", s.keys.record(kind, id))}
		_ = pipe.Process(ctx, cmds[i]) // queues it
	}
	s.sendAll(ctx, pipe)
	values := make([]any, len(ids))
	for i, cmd := range cmds {
		value, err := cmd.Result()
		if err != nil && !errors.Is(err, goredis.Nil) {
			return nil, err
		}
		values[i] = value
	}
	return values, nil
}

// drop removes entries without a record from an index. It is hygiene: the list is right without it.
func (s *Store) drop(ctx context.Context, kind store.Kind, tag string, ids []string) {
	if len(ids) == 0 {
		return
	}
	index, ends := s.keys.tag(kind, tag)
	names, sc, args := []string{index, ends}, dropScript, []any{int64(s.grace / time.Minute)}
	if !kind.Spread {
		sc, args = dropSmallScript, []any{tag}
	}
	for _, id := range ids {
		if !kind.Spread {
			names = append(names, s.keys.record(kind, id))
		}
		args = append(args, id)
	}
	_ = s.run(ctx, sc, names, args...).Err() // the next list tries again
}

// enter puts an id into indexes that may lie on several nodes.
func (s *Store) enter(ctx context.Context, pairs []string, id, left string) error {
	if len(pairs) == 2 {
		return s.run(ctx, enterScript, pairs, s.slackSeconds(), id, left).Err()
	}
	pipe := s.client.Pipeline()
	var cmds []once
	for pair := range slices.Chunk(pairs, 2) {
		cmd := once{goredis.NewCmd(ctx, enterScript.command("evalsha", enterScript.sha, pair, []any{s.slackSeconds(), id, left})...)}
		_ = pipe.Process(ctx, cmd) // queues it
		cmds = append(cmds, cmd)
	}
	s.sendAll(ctx, pipe)
	for i, cmd := range cmds {
		err := cmd.Err()
		if goredis.HasErrorPrefix(err, "NOSCRIPT") {
			err = s.run(ctx, enterScript, pairs[2*i:2*i+2], s.slackSeconds(), id, left).Err()
		}
		if err != nil {
			return err
		}
	}
	return nil
}
