package memory

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/storetest"
)

func TestSuite(t *testing.T) {
	s := New()
	storetest.Run(t, func(*testing.T) store.Backend { return s })
}

func TestClosedStoreIsUnavailable(t *testing.T) {
	s := New()
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	storetest.RunUnavailable(t, s)
}

func TestWritesSweepWhatHasEnded(t *testing.T) {
	s, now := New(), time.Now()
	s.Now = func() time.Time { return now }
	kind := store.Kind{Name: "hot", Spread: true}
	fill := func(prefix string) {
		for i := range 5000 {
			id := fmt.Sprintf("%s%d", prefix, i)
			if _, err := s.Create(t.Context(), store.Record{Kind: kind, ID: id, Tags: []string{"tag"}, Expires: now.Add(time.Minute)}); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Add(t.Context(), kind, id, 1, time.Minute); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill("a")
	now = now.Add(time.Hour)
	fill("b")
	held := 0
	for i := range s.shards {
		held += len(s.shards[i].records) + len(s.shards[i].counters) + len(s.shards[i].ends)
	}
	if held > 2*2*5000+100 {
		t.Errorf("the store holds %d entries after 10000 that are alive", held)
	}
	if ids, _ := s.ids(key{"hot", "tag"}, "", 10_000); len(ids) > 5000+50 {
		t.Errorf("the index holds %d ids", len(ids))
	}
}

func TestOrderedIsASortedSet(t *testing.T) {
	var o ordered
	want := map[string]bool{}
	random := rand.New(rand.NewPCG(1, 2))
	for range 50_000 {
		id := fmt.Sprintf("%d", random.IntN(5000))
		if random.IntN(3) == 0 {
			o.remove(id)
			delete(want, id)
			continue
		}
		o.insert(id)
		want[id] = true
	}
	ids := make([]string, 0, len(want))
	for id := range want {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	got, more := o.after("", len(ids))
	if more || !slices.Equal(got, ids) {
		t.Fatalf("%d ids, more %v; want %d", len(got), more, len(ids))
	}
	got, more = o.after(ids[99], 50)
	if !more || !slices.Equal(got, ids[100:150]) {
		t.Fatalf("a page is %q, more %v", got, more)
	}
	for _, id := range ids {
		o.remove(id)
	}
	if len(o.pieces) != 0 {
		t.Fatalf("%d pieces remain", len(o.pieces))
	}
}

func TestTheLagOfTheSweeperIsTheAgeOfTheOldestThing(t *testing.T) {
	s, now := New(), time.Now().Truncate(time.Millisecond)
	s.Now = func() time.Time { return now }
	r := store.Record{Kind: store.Kind{Name: "hot", Spread: true}, ID: "one", Expires: now.Add(time.Minute)}
	if _, err := s.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	for moved, want := range map[time.Duration]time.Duration{0: 0, time.Minute: 0, 3 * time.Minute: 2 * time.Minute} {
		s.Now = func() time.Time { return now.Add(moved) }
		if lag, err := s.SweeperLag(t.Context()); err != nil || lag != want {
			t.Errorf("after %v lag %v, not %v: %v", moved, lag, want, err)
		}
	}
}
