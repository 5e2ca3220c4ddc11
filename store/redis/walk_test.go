package redis

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/bolt"
	"github.com/grantor-dev/grantor/store/storetest"
)

// walks runs the tests of walks, each store under a prefix of its own.
func walks(t *testing.T, url string) {
	t.Helper()
	t.Parallel()
	n := 0
	storetest.RunWalk(t, func(t *testing.T) store.Walker {
		n++
		return open(t, with(with(url, "timeout=30s"), fmt.Sprintf("prefix=w*%%5B%d:", n)), Options{})
	})
}

func TestWalkOnOneNode(t *testing.T) { walks(t, redistest.Start(t)) }

func TestWalkOnACluster(t *testing.T) { walks(t, redistest.StartCluster(t)) }

var walked = store.NewKinds([]store.Kind{{Name: "thing", Spread: true}, {Name: "small"}})

// both sends a store from a Cluster to a file and from there to one node, and back.
func TestACopyFromAClusterByAFileToOneNodeAndBack(t *testing.T) {
	t.Parallel()
	cluster := open(t, with(redistest.StartCluster(t), "timeout=30s"), Options{})
	node := open(t, with(redistest.Start(t), "timeout=30s"), Options{})
	back := open(t, with(redistest.StartCluster(t), "timeout=30s"), Options{})
	file, err := bolt.Open(t.TempDir()+"/copy.db", bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for i := range 500 {
		for _, kind := range []store.Kind{walked["thing"], walked["small"]} {
			r := store.Record{Kind: kind, ID: strconv.Itoa(i), Value: []byte("value"), Tags: []string{"all"}, Expires: time.Now().Add(time.Hour)}
			if _, err := cluster.Create(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := cluster.Add(t.Context(), walked["small"], strconv.Itoa(i), int64(i), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	from := store.Walker(cluster)
	for _, to := range []store.Walker{file, node, back} {
		c := store.Copying{From: from, To: to, Kinds: walked, Now: time.Now}
		last, _, err := c.Run(t.Context())
		if err != nil || !last.Equal() || last.Records != 1000 || last.Counters != 499 || last.Kinds != 2 {
			t.Fatalf("%+v, %v", last, err)
		}
		from = to
	}
	n := 0
	for cursor := ""; ; {
		page, next, err := back.List(t.Context(), walked["thing"], "all", cursor, 100)
		if err != nil {
			t.Fatal(err)
		}
		n += len(page)
		if cursor = next; cursor == "" {
			break
		}
	}
	if n != 500 {
		t.Errorf("%d records are listed by their tag", n)
	}
}

// A SCAN goes on at a place in a table that a restarted Redis does not have any more.
func TestAWalkNoticesThatRedisWasRestarted(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, "--appendonly", "yes")
	s := open(t, with(server.URL(), "timeout=30s"), Options{})
	for i := range 2000 {
		if _, err := s.Create(t.Context(), store.Record{Kind: walked["thing"], ID: strconv.Itoa(i)}); err != nil {
			t.Fatal(err)
		}
	}
	n, last := 0, error(nil)
	for _, err := range s.Records(t.Context(), walked) {
		if n++; n == 50 {
			server.Kill()
			server.Restart("--appendonly", "yes")
		}
		last = err
	}
	if !errors.Is(last, errMoved) && !store.IsUnavailable(last) {
		t.Fatalf("after %d records: %v", n, last)
	}
}

func TestAWalkStaysUnderItsPrefixAndRefusesWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	server := redistest.New(t)
	s := open(t, with(server.URL(), "timeout=30s&prefix=a%3F:"), Options{})
	server.Must("SET", "ab:r:thing:1", "of another program")
	for r, err := range s.Records(t.Context(), walked) {
		t.Fatalf("it gives %q, %v", r.ID, err)
	}
	for _, key := range []string{"a?:r:thing", "a?:r:thing:", "a?:r:{thing}:1", "a?:r:small:1", "a?:r:{small:1", "a?:r:{thing:1"} {
		server.Must("SET", key, "x")
		var last error
		for _, err := range s.Records(t.Context(), walked) {
			last = err
		}
		if !errors.Is(last, errForeign) && !errors.Is(last, store.ErrUnknownKind) {
			t.Errorf("%s: %v", key, last)
		}
		if last != nil && strings.Contains(last.Error(), "x:") {
			t.Errorf("%s is quoted: %v", key, last)
		}
		server.Must("DEL", key)
	}
}
