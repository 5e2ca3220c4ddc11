package redis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/store"
)

// hashed gives the part of a key that decides its slot.
func hashed(key string) string {
	if from := strings.Index(key, "{"); from >= 0 {
		if size := strings.Index(key[from+1:], "}"); size > 0 {
			return key[from+1 : from+1+size]
		}
	}
	return key
}

func TestNamesOfKeysNeverMeetAndKeepTheirSlots(t *testing.T) {
	k := keys{"grantor:"}
	odd := []string{"a", "{", "}", "{}", "{a}", "}{", "a}", "{a", "a/b", "a:b", "/", ":", "}:a", "}:", "/a", "hot", "{hot}", "small}",
		"hot:a", "hot/a", "{small}:a"}
	seen := map[string]string{}
	name := func(key, what string) {
		if other, ok := seen[key]; ok {
			t.Errorf("%q is %s and %s", key, what, other)
		}
		seen[key] = what
	}
	kinds := []store.Kind{hot, small, {Name: "hot_a", Spread: true}, {Name: "a", Spread: true}, {Name: "b"}}
	for _, kind := range kinds {
		for _, id := range odd {
			name(k.record(kind, id), fmt.Sprintf("record %s %q", kind.Name, id))
			name(k.counter(kind, id), fmt.Sprintf("counter %s %q", kind.Name, id))
		}
		tags := odd
		if !kind.Spread {
			tags = append([]string{""}, odd...)
		}
		for _, tag := range tags {
			index, ends := k.tag(kind, tag)
			name(index, fmt.Sprintf("index %s %q", kind.Name, tag))
			name(ends, fmt.Sprintf("ends %s %q", kind.Name, tag))
			if hashed(index) != hashed(ends) {
				t.Errorf("%q and %q lie apart", index, ends)
			}
			if !kind.Spread && hashed(index) != kind.Name {
				t.Errorf("%q is not with its kind", index)
			}
		}
		for _, id := range odd {
			if !kind.Spread && hashed(k.record(kind, id)) != kind.Name {
				t.Errorf("%q is not with its kind", k.record(kind, id))
			}
		}
	}
}

// sent counts the commands that the server ran since the last call, those of the test left out.
func sent(t *testing.T, server *redistest.Server) map[string]bool {
	t.Helper()
	ran := map[string]bool{}
	for line := range strings.Lines(server.Must("INFO", "commandstats")) {
		name, rest, _ := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":")
		calls, _, _ := strings.Cut(strings.TrimPrefix(rest, "calls="), ",")
		if rest != "" && name != "info" && name != "config|resetstat" {
			ran[name+" "+calls] = true
		}
	}
	server.Must("CONFIG", "RESETSTAT")
	return ran
}

func TestHotVerbsAreOneCommand(t *testing.T) {
	server := redistest.New(t)
	s := open(t, with(server.URL(), "pool_size=1"), Options{})
	ctx := t.Context()
	write := func(r store.Record, old *store.Record) store.Record {
		t.Helper()
		var err error
		if old == nil {
			r.Version, err = s.Create(ctx, r)
		} else {
			r.Version, err = s.Swap(ctx, *old, r)
		}
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := store.Record{Kind: hot, ID: "a", Expires: time.Now().Add(time.Hour)}
	tagged := store.Record{Kind: hot, ID: "b", Tags: []string{"t", "u"}, Expires: r.Expires}
	warm := tagged
	warm.ID = "warm"
	warm = write(warm, nil)
	write(warm, &warm)
	if _, err := s.Add(ctx, hot, "warm", 1, time.Hour); err != nil {
		t.Fatal(err)
	}
	sent(t, server)
	for _, step := range []struct {
		name string
		do   func()
		want string
	}{
		{"create", func() { r = write(r, nil) }, "set 1"},
		{"get", func() { _, _ = s.Get(ctx, hot, "a") }, "get 1"},
		{"swap", func() { r = write(r, &r) }, "evalsha 1"},
		{"take", func() { _, _ = s.Take(ctx, hot, "a") }, "getdel 1"},
		{"create with tags", func() { tagged = write(tagged, nil) }, "evalsha 1"},
		{"swap with the same tags", func() { tagged = write(tagged, &tagged) }, "evalsha 1"},
		{"add", func() { _, _ = s.Add(ctx, hot, "n", 1, time.Minute) }, "evalsha 1"},
		{"add without end", func() { _, _ = s.Add(ctx, hot, "m", 1, 0) }, "incrby 1"},
		{"read of a counter", func() { _, _ = s.Add(ctx, hot, "m", 0, 0) }, "get 1"},
	} {
		step.do()
		if ran := sent(t, server); !ran[step.want] || step.want != "evalsha 1" && len(ran) != 1 {
			t.Errorf("%s ran %v, want %s alone", step.name, ran, step.want)
		}
	}
}

// sends counts what a store sends: each command and each pipeline is one round trip.
type sends struct{ n atomic.Int64 }

func (c *sends) DialHook(next goredis.DialHook) goredis.DialHook { return next }

func (c *sends) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		c.n.Add(1)
		return next(ctx, cmd)
	}
}

func (c *sends) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		c.n.Add(1)
		return next(ctx, cmds)
	}
}

// A refresh moves the end of a record that is listed under tags.
func TestRefreshIsOneCommand(t *testing.T) {
	for name, start := range map[string]func(testing.TB) string{
		"one node": func(t testing.TB) string { return redistest.Start(t) },
		"cluster":  redistest.StartCluster,
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Now().Truncate(24 * time.Hour).Add(time.Hour)
			s := open(t, start(t), Options{Now: func() time.Time { return now }})
			const life = 30 * 24 * time.Hour
			r := store.Record{Kind: hot, ID: "id", Tags: []string{"user", "client"}, Expires: now.Add(life)}
			var err error
			if r.Version, err = s.Create(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			refresh := func() {
				t.Helper()
				next := r
				next.Expires = now.Add(life)
				if next.Version, err = s.Swap(t.Context(), r, next); err != nil {
					t.Fatal(err)
				}
				r = next
			}
			refresh() // Redis learns the script
			count := new(sends)
			s.client.AddHook(count)
			for range 22 {
				now = now.Add(time.Hour)
				before := count.n.Load()
				if refresh(); count.n.Load() != before+1 {
					t.Fatalf("a refresh took %d round trips", count.n.Load()-before)
				}
			}
			before := count.n.Load()
			now = now.Add(2 * time.Hour) // the day of its end is another
			refresh()
			if n := count.n.Load() - before; s.cluster && n != 2 || !s.cluster && n != 1 {
				t.Errorf("the first refresh of a day took %d round trips", n)
			}
			if page, _, err := s.List(t.Context(), hot, "user", "", 10); err != nil || len(page) != 1 {
				t.Errorf("list: %d records, %v", len(page), err)
			}
		})
	}
}

func TestEntriesLastAsLongAsTheirRecord(t *testing.T) {
	server := redistest.New(t)
	s := open(t, server.URL(), Options{})
	r := store.Record{Kind: hot, ID: "id", Tags: []string{"t"}, Expires: time.Now().Add(10 * time.Second)}
	var err error
	if r.Version, err = s.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	index, ends := s.keys.tag(hot, "t")
	for _, life := range []time.Duration{
		time.Minute, 61 * time.Second, 10 * time.Minute, 11 * time.Minute, time.Hour, 90 * time.Minute, 12 * time.Hour, 13 * time.Hour,
		36 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour, 30*24*time.Hour + time.Minute, 31 * 24 * time.Hour, time.Hour,
	} {
		next := r
		next.Expires = time.Now().Add(life)
		if next.Version, err = s.Swap(t.Context(), r, next); err != nil {
			t.Fatal(err)
		}
		r = next
		score, err := strconv.ParseInt(server.Must("ZSCORE", ends, "id"), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if end := time.Unix(score>>20, 0); end.Before(r.Expires.Truncate(time.Second)) {
			t.Errorf("a record of %s loses its entry %s early", life, r.Expires.Sub(end))
		}
		for _, key := range []string{index, ends} {
			if left, err := strconv.ParseInt(server.Must("PTTL", key), 10, 64); err != nil || left < life.Milliseconds() {
				t.Errorf("%s ends in %d ms (%v), before a record of %s", key, left, err, life)
			}
		}
	}
}

// What a node takes an entry to last, seeing only the record, is never more than it does.
func TestEndsOfEntriesAreNeverOverrated(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 34, 56, 0, time.UTC)
	for range 20_000 {
		life := time.Duration(rand.Int64N(int64(100*24*time.Hour))) >> rand.IntN(20)
		r := store.Record{Expires: now.Add(life)}
		made := roundUp(r.Expires, grid(life))
		if over := made.Sub(r.Expires); over < 0 || over > life/2+time.Millisecond {
			t.Fatalf("the entry of a record of %s lasts %s longer", life, over)
		}
		later := now.Add(time.Duration(rand.Int64N(int64(life) + 1)))
		skewed := later.Add(-r.Expires.Sub(later)) // a clock that is behind by as long as the record has to live
		for _, at := range []time.Time{later, skewed} {
			if at.Before(now.Add(-life)) {
				at = now.Add(-life)
			}
			if least := listedAtLeast(r, at); least.After(made) || least.Before(r.Expires) {
				t.Fatalf("a record of %s ends at %s, its entry at %s, and is taken to last until %s", life, r.Expires, made, least)
			}
		}
	}
}

func TestEverythingThatEndsHasATimeToLive(t *testing.T) {
	server := redistest.New(t)
	s := open(t, server.URL(), Options{})
	for _, kind := range []store.Kind{hot, small} {
		r := store.Record{Kind: kind, ID: "id", Tags: []string{"t", "u"}, Expires: time.Now().Add(time.Hour)}
		var err error
		if r.Version, err = s.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		next := r
		next.Tags, next.Expires = []string{"u", "v"}, time.Now().Add(2*time.Hour)
		if _, err := s.Swap(t.Context(), r, next); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Add(t.Context(), kind, "n", 1, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	for key := range strings.SplitSeq(server.Must("KEYS", "*"), "\n") {
		if ttl := server.Must("PTTL", key); strings.HasPrefix(ttl, "-") {
			t.Errorf("%q has no end", key)
		}
	}
	forever := store.Record{Kind: hot, ID: "forever", Tags: []string{"u"}}
	if _, err := s.Create(t.Context(), forever); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"grantor:i:{hot/u}", "grantor:x:{hot/u}"} {
		if ttl := server.Must("PTTL", key); ttl != "-1" {
			t.Errorf("%q ends in %s although an entry does not", key, ttl)
		}
	}
}

func TestIndexLosesWhatHasEnded(t *testing.T) {
	for _, kind := range []store.Kind{hot, small} {
		t.Run(kind.Name, func(t *testing.T) {
			server := redistest.New(t)
			s := open(t, server.URL(), Options{})
			s.slack = -time.Hour // as if an hour had passed since the ends
			index, ends := s.keys.tag(kind, "t")
			create := func(id string, expires time.Time) {
				t.Helper()
				r := store.Record{Kind: kind, ID: id, Tags: []string{"t"}, Expires: expires}
				if _, err := s.Create(t.Context(), r); err != nil {
					t.Fatal(err)
				}
			}
			create("stays", time.Time{})
			const ended = 200 // one writer in four looks for them: not one of the last hundred never happens
			for i := range ended {
				create(fmt.Sprint(i), time.Now().Add(time.Minute))
			}
			for _, key := range []string{index, ends} {
				if left := len(strings.Fields(server.Must("ZRANGE", key, "0", "-1"))); left > ended/2 {
					t.Errorf("%s holds %d entries", key, left)
				}
				if rank := server.Must("ZRANK", key, "stays"); rank == "" {
					t.Errorf("%s has lost what has not ended", key)
				}
			}
		})
	}
}

func TestListDropsEntriesWithoutARecord(t *testing.T) {
	server := redistest.New(t)
	s := open(t, server.URL(), Options{})
	list := func(kind store.Kind, want int) {
		t.Helper()
		if page, _, err := s.List(t.Context(), kind, "t", "", 10); err != nil || len(page) != want {
			t.Fatalf("list %s: %d records, %v; want %d", kind.Name, len(page), err, want)
		}
	}
	entries := func(kind store.Kind, want string) {
		t.Helper()
		index, ends := s.keys.tag(kind, "t")
		for _, key := range []string{index, ends} {
			if got := server.Must("ZCARD", key); got != want {
				t.Errorf("%s holds %s entries, want %s", key, got, want)
			}
		}
	}
	for _, kind := range []store.Kind{hot, small} {
		for _, id := range []string{"a", "b", "c"} {
			if _, err := s.Create(t.Context(), store.Record{Kind: kind, ID: id, Tags: []string{"t"}}); err != nil {
				t.Fatal(err)
			}
		}
		server.Must("DEL", s.keys.record(kind, "a")) // as if it had ended
	}
	if _, err := s.Take(t.Context(), hot, "b"); err != nil {
		t.Fatal(err)
	}
	list(small, 2)
	entries(small, "2")
	list(hot, 1)
	entries(hot, "3") // their records may be on their way
	s.grace = 0
	list(hot, 1)
	entries(hot, "1")
	list(hot, 1)
}

// A writer on a Cluster puts the entry before the record. Who lists in between must not take the entry away.
func TestListBetweenEntryAndRecordOnACluster(t *testing.T) {
	s := open(t, redistest.StartCluster(t), Options{})
	index, ends := s.keys.tag(hot, "t")
	if err := s.enter(t.Context(), []string{index, ends}, "id", never); err != nil {
		t.Fatal(err)
	}
	if page, _, err := s.List(t.Context(), hot, "t", "", 10); err != nil || len(page) != 0 {
		t.Fatalf("before: %d records, %v", len(page), err)
	}
	if _, err := s.create(t.Context(), store.Record{Kind: hot, ID: "id", Version: 1, Tags: []string{"t"}}, never); err != nil {
		t.Fatal(err)
	}
	if page, _, err := s.List(t.Context(), hot, "t", "", 10); err != nil || len(page) != 1 {
		t.Fatalf("after: %d records, %v", len(page), err)
	}
}

func TestForeignValueIsAFaultAndNotMissing(t *testing.T) {
	server := redistest.New(t)
	s := open(t, server.URL(), Options{})
	for _, value := range []string{"", "x", "\x01short", "\x02" + strings.Repeat("x", 40)} {
		for _, kind := range []store.Kind{hot, small} {
			server.Must("SET", s.keys.record(kind, "id"), value)
			_, err := s.Get(t.Context(), kind, "id")
			if err == nil || errors.Is(err, store.ErrNotFound) || store.IsUnavailable(err) {
				t.Errorf("get %s of %q: %v, want a plain error", kind.Name, value, err)
			}
			if _, err := s.Create(t.Context(), store.Record{Kind: kind, ID: "id"}); !errors.Is(err, store.ErrExists) {
				t.Errorf("create %s over %q: %v, want ErrExists", kind.Name, value, err)
			}
			_, err = s.Take(t.Context(), kind, "id")
			if err == nil || errors.Is(err, store.ErrNotFound) || store.IsUnavailable(err) {
				t.Errorf("take %s of %q: %v, want a plain error", kind.Name, value, err)
			}
		}
	}
}

func TestClockOfRedisDoesNotMatter(t *testing.T) {
	server := redistest.New(t)
	for _, drift := range []time.Duration{-48 * time.Hour, 48 * time.Hour} {
		now := time.Now().Add(drift)
		s := open(t, server.URL(), Options{Now: func() time.Time { return now }})
		id := fmt.Sprint(drift)
		r := store.Record{Kind: hot, ID: id, Tags: []string{id}, Expires: now.Add(time.Minute)}
		var err error
		if r.Version, err = s.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(t.Context(), hot, id); err != nil {
			t.Errorf("drift %v: %v", drift, err)
		}
		now = r.Expires.Add(-time.Millisecond)
		if _, err := s.Get(t.Context(), hot, id); err != nil {
			t.Errorf("drift %v, before the end: %v", drift, err)
		}
		now = r.Expires
		if _, err := s.Get(t.Context(), hot, id); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("drift %v, at the end: %v", drift, err)
		}
		if _, err := s.Swap(t.Context(), r, r); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("drift %v, swap at the end: %v", drift, err)
		}
		r.Expires = time.Time{}
		if _, err := s.Create(t.Context(), r); err != nil {
			t.Errorf("drift %v, again: %v", drift, err)
		}
		if page, _, err := s.List(t.Context(), hot, id, "", 10); err != nil || len(page) != 1 {
			t.Errorf("drift %v, list: %d records, %v", drift, len(page), err)
		}
	}
}

func TestScriptsAreSentAgainWhenRedisForgetsThem(t *testing.T) {
	server := redistest.New(t)
	s := open(t, server.URL(), Options{})
	for i := range 3 {
		id := fmt.Sprint(i)
		r := store.Record{Kind: small, ID: id, Tags: []string{"t"}}
		var err error
		if r.Version, err = s.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		server.Must("SCRIPT", "FLUSH")
		if r.Version, err = s.Swap(t.Context(), r, r); err != nil {
			t.Fatal(err)
		}
		server.Must("SCRIPT", "FLUSH")
		if _, err = s.Take(t.Context(), small, id); err != nil {
			t.Fatal(err)
		}
	}
}
