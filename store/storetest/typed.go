package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// thing is what the collections of the suite hold.
type thing struct {
	ID      string    `json:"id"`
	Owner   string    `json:"owner,omitempty"`
	Count   int       `json:"count"`
	Expires time.Time `json:"expires,omitzero"`
}

func things(b store.Backend, kind store.Kind) *store.Collection[thing] {
	return &store.Collection[thing]{
		Backend: b,
		Kind:    kind,
		ID:      func(v *thing) string { return v.ID },
		Tags: func(v *thing) []string {
			if v.Owner == "" {
				return nil
			}
			return []string{"owner:" + v.Owner}
		},
		Expires: func(v *thing) time.Time { return v.Expires },
	}
}

func testCollection(t *testing.T, s suite) {
	s.each(t, "values come back", func(t *testing.T, kind store.Kind) {
		c, ctx := things(s.Backend, kind), t.Context()
		owner := fresh("owner")
		for i := range 5 {
			if err := c.Create(ctx, &thing{ID: fmt.Sprintf("%s-%d", owner, i), Owner: owner, Count: i}); err != nil {
				t.Fatal(err)
			}
		}
		v, err := c.Get(ctx, owner+"-3")
		if err != nil || v.Count != 3 || v.Owner != owner {
			t.Fatalf("get: %+v, %v", v, err)
		}
		wantError(t, c.Create(ctx, v), store.ErrExists)
		if _, err := c.Take(ctx, v.ID); err != nil {
			t.Fatal(err)
		}
		_, err = c.Get(ctx, v.ID)
		wantError(t, err, store.ErrNotFound)
		sum := 0
		if err := c.All(ctx, "owner:"+owner, func(v *thing) error { sum += v.Count; return nil }); err != nil || sum != 7 {
			t.Fatalf("all: sum %d, %v", sum, err)
		}
	})
	s.each(t, "no update is lost", func(t *testing.T, kind store.Kind) {
		c, id := things(s.Backend, kind), fresh("id")
		if err := c.Create(t.Context(), &thing{ID: id}); err != nil {
			t.Fatal(err)
		}
		const each = 10
		race(t, func(int) error {
			for range each {
				if _, err := c.Update(t.Context(), id, func(v *thing) error { v.Count++; return nil }); err != nil {
					return err
				}
			}
			return nil
		})
		if v, err := c.Get(t.Context(), id); err != nil || v.Count != racers*each {
			t.Fatalf("after %d updates: %+v, %v", racers*each, v, err)
		}
	})
	s.each(t, "an update that refuses writes nothing", func(t *testing.T, kind store.Kind) {
		c, id := things(s.Backend, kind), fresh("id")
		if err := c.Create(t.Context(), &thing{ID: id}); err != nil {
			t.Fatal(err)
		}
		refused := errors.New("refused")
		_, err := c.Update(t.Context(), id, func(v *thing) error { v.Count = 9; return refused })
		wantError(t, err, refused)
		if v, err := c.Get(t.Context(), id); err != nil || v.Count != 0 {
			t.Fatalf("after it: %+v, %v", v, err)
		}
	})
}

// follow starts a cache over a backend that follows the others until the test ends.
func follow(t *testing.T, b store.Backend, kind store.Kind) *store.Cache[thing] {
	c := store.NewCache(things(b, kind))
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { c.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return c
}

// seen bounds how long a change takes to reach another cache. It is a second by the rules of store.Cache, which its own
// tests measure; a busy machine adds to it.
const seen = 10 * time.Second

func testCache(t *testing.T, s suite) {
	kind := store.Kind{Name: "suite_cached"}
	t.Run("a change is seen by another node", func(t *testing.T) {
		here, there := follow(t, s.Backend, kind), follow(t, s.Backend, kind)
		id := fresh("id")
		if err := here.Create(t.Context(), &thing{ID: id}); err != nil {
			t.Fatal(err)
		}
		for want := 1; want < 4; want++ {
			if _, err := there.Get(t.Context(), id); err != nil { // so that it has something to forget
				t.Fatal(err)
			}
			if _, err := here.Update(t.Context(), id, func(v *thing) error { v.Count = want; return nil }); err != nil {
				t.Fatal(err)
			}
			if v, err := here.Get(t.Context(), id); err != nil || v.Count != want {
				t.Fatalf("the writer reads %+v, %v", v, err)
			}
			eventually(t, "the other node reads the change", seen, func() bool {
				v, err := there.Get(t.Context(), id)
				return err == nil && v.Count == want
			})
		}
		if _, err := here.Take(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the other node sees the deletion", seen, func() bool {
			_, err := there.Get(t.Context(), id)
			return errors.Is(err, store.ErrNotFound)
		})
	})
	t.Run("an old value never sticks", func(t *testing.T) {
		here, there := follow(t, s.Backend, kind), follow(t, s.Backend, kind)
		id := fresh("id")
		if err := here.Create(t.Context(), &thing{ID: id}); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var readers sync.WaitGroup
		for _, c := range []*store.Cache[thing]{here, there, here, there} {
			readers.Go(func() {
				for ctx.Err() == nil {
					if _, err := c.Get(ctx, id); err != nil && ctx.Err() == nil {
						t.Errorf("get: %v", err)
						return
					}
				}
			})
		}
		const writes = 100
		for range writes {
			if _, err := here.Update(t.Context(), id, func(v *thing) error { v.Count++; return nil }); err != nil {
				t.Fatal(err)
			}
		}
		for name, c := range map[string]*store.Cache[thing]{"writer": here, "other": there} {
			eventually(t, "the "+name+" reads the last value", seen, func() bool {
				v, err := c.Get(t.Context(), id)
				return err == nil && v.Count == writes
			})
		}
		stop()
		readers.Wait()
	})
	t.Run("without word from the store it reads through", func(t *testing.T) {
		blind, c := store.NewCache(things(s.Backend, kind)), things(s.Backend, kind)
		id := fresh("id")
		if err := c.Create(t.Context(), &thing{ID: id}); err != nil {
			t.Fatal(err)
		}
		for want := 1; want < 4; want++ {
			if _, err := blind.Get(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Update(t.Context(), id, func(v *thing) error { v.Count = want; return nil }); err != nil {
				t.Fatal(err)
			}
			if v, err := blind.Get(t.Context(), id); err != nil || v.Count != want {
				t.Fatalf("it reads %+v, %v", v, err)
			}
		}
	})
}
