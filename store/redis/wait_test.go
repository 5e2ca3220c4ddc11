package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/store"
)

func TestSuiteWithAReplica(t *testing.T) {
	master, _ := redistest.NewReplicated(t, 1)
	suite(t, with(master.URL(), "wait=1&wait_timeout=10s"), Options{})
}

func TestSuiteOnAReplicatedCluster(t *testing.T) {
	_, _, url := redistest.NewReplicatedCluster(t)
	suite(t, with(url, "wait=1&wait_timeout=10s"), Options{})
}

// replicated runs a test for every way to a master with a replica.
func replicated(t *testing.T, test func(t *testing.T, url string, replicas []*redistest.Server)) {
	for name, start := range map[string]func(t *testing.T) (url string, replicas []*redistest.Server){
		"together": func(t *testing.T) (string, []*redistest.Server) {
			master, replicas := redistest.NewReplicated(t, 1)
			return master.URL(), replicas
		},
		"one by one": func(t *testing.T) (string, []*redistest.Server) {
			master, replicas := redistest.NewReplicated(t, 1)
			return with(master.URL(), "pipelining=off"), replicas
		},
		"cluster": func(t *testing.T) (string, []*redistest.Server) {
			_, replicas, url := redistest.NewReplicatedCluster(t)
			return url, replicas
		},
		"sentinel": func(t *testing.T) (string, []*redistest.Server) {
			w := redistest.NewWatched(t)
			return w.URL(), w.Replicas
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, replicas := start(t)
			test(t, with(url, "wait=1&timeout=20s"), replicas)
		})
	}
}

// A master that stalled, and goes on when a replica has taken over, may still have the other one. What that one alone has, the
// successor lacks: a write that waits for one replica is lost, and one that waits for both is never acknowledged.
func TestWriteThatTheSuccessorLacksIsNotAcknowledgedWhereAllAreWaitedFor(t *testing.T) {
	t.Parallel()
	master, replicas := redistest.NewReplicated(t, 2)
	patient := func(wait string) *Store {
		return open(t, with(master.URL(), "timeout=20s&wait_timeout=8s&wait="+wait), Options{})
	}
	one, both := patient("1"), open(t, with(master.URL(), "wait=2&wait_timeout=100ms"), Options{})
	if _, err := patient("2").Create(t.Context(), store.Record{Kind: hot, ID: "before"}); err != nil {
		t.Fatal(err)
	}
	master.Pause()
	replicas[0].Must("REPLICAOF", "NO", "ONE")
	master.Resume()
	if _, err := one.Create(t.Context(), store.Record{Kind: hot, ID: "one"}); err != nil {
		t.Errorf("what the other replica has: %v", err)
	}
	if _, err := both.Create(t.Context(), store.Record{Kind: hot, ID: "both"}); !store.IsUnavailable(err) || !strings.Contains(err.Error(), "1 of 2 replicas") {
		t.Errorf("what the successor lacks: %v, want an UnavailableError that says why", err)
	}
	successor := open(t, replicas[0].URL(), Options{})
	for id, there := range map[string]bool{"before": true, "one": false, "both": false} {
		if _, err := successor.Get(t.Context(), hot, id); (err == nil) != there || err != nil && !errors.Is(err, store.ErrNotFound) {
			t.Errorf("at the successor %s: %v", id, err)
		}
	}
}

// No write that the replica has not acknowledged is reported, neither as done nor as refused; what is read needs no replica.
func TestWriteWithoutAReplicaIsUnavailable(t *testing.T) {
	replicated(t, func(t *testing.T, url string, replicas []*redistest.Server) {
		patient, s := open(t, with(url, "wait_timeout=8s"), Options{}), open(t, with(url, "wait_timeout=100ms"), Options{})
		there := map[store.Kind]store.Record{}
		for _, kind := range []store.Kind{hot, small} {
			r := store.Record{Kind: kind, ID: "there", Value: []byte("value"), Tags: []string{"tag", "other"}}
			var err error
			if r.Version, err = patient.Create(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			if _, err := patient.Add(t.Context(), kind, "counter", 1, time.Hour); err != nil {
				t.Fatal(err)
			}
			if _, err := patient.Add(t.Context(), kind, "endless", 1, 0); err != nil {
				t.Fatal(err)
			}
			there[kind] = r
		}
		for _, r := range replicas {
			r.Pause()
		}
		for kind, r := range there {
			for what, write := range map[string]func() error{
				"create":               func() error { _, err := s.Create(t.Context(), store.Record{Kind: kind, ID: "new"}); return err },
				"create what is there": func() error { _, err := s.Create(t.Context(), store.Record{Kind: kind, ID: "there"}); return err },
				"swap by an old version": func() error {
					_, err := s.Swap(t.Context(), store.Record{Kind: kind, ID: "there", Version: 1}, store.Record{Kind: kind, ID: "there"})
					return err
				},
				"swap what is gone": func() error {
					_, err := s.Swap(t.Context(), store.Record{Kind: kind, ID: "gone", Version: 1}, store.Record{Kind: kind, ID: "gone"})
					return err
				},
				"take what is gone": func() error { _, err := s.Take(t.Context(), kind, "gone"); return err },
				"count":             func() error { _, err := s.Add(t.Context(), kind, "counter", 1, time.Hour); return err },
				"count on":          func() error { _, err := s.Add(t.Context(), kind, "endless", 1, 0); return err },
				"create a long one": func() error {
					_, err := s.Create(t.Context(), store.Record{Kind: kind, ID: "long", Value: make([]byte, 2*batchable)})
					return err
				},
			} {
				if err := write(); !store.IsUnavailable(err) {
					t.Errorf("%s %s: %v, want an UnavailableError", kind.Name, what, err)
				}
			}
			if got, err := s.Get(t.Context(), kind, "there"); err != nil || got.Version != r.Version {
				t.Errorf("get %s: %v", kind.Name, err)
			}
			if page, _, err := s.List(t.Context(), kind, "tag", "", 10); err != nil || len(page) != 1 {
				t.Errorf("list %s: %d records, %v", kind.Name, len(page), err)
			}
			if _, err := s.Add(t.Context(), kind, "counter", 0, 0); err != nil {
				t.Errorf("read the counter of %s: %v", kind.Name, err)
			}
			if _, err := s.Swap(t.Context(), r, r); !store.IsUnavailable(err) || !strings.Contains(err.Error(), "0 of 1 replicas") {
				t.Errorf("swap %s: %v, want an UnavailableError that says why", kind.Name, err)
			}
			if _, err := s.Take(t.Context(), kind, "there"); !store.IsUnavailable(err) {
				t.Errorf("take %s: %v, want an UnavailableError", kind.Name, err)
			}
		}
		for _, r := range replicas {
			r.Resume()
		}
		recovers(t, patient)
	})
}

// Many callers' writes share one WAIT, and those who read beside them do not wait with them.
func TestBatchIsWaitedForOnce(t *testing.T) {
	master, replicas := redistest.NewReplicated(t, 1)
	s, _, release := occupied(t, with(master.URL(), "wait=1&wait_timeout=2s&timeout=30s"))
	release() // the lanes of what is read
	h := &held{}
	s.client.AddHook(h)
	h.batches.Lock()
	var lanes, all sync.WaitGroup
	for i := range int64(laneCount) {
		time.Sleep(2 * laneSlow) // only then does another lane open
		lanes.Go(func() { _, _ = s.Add(context.Background(), hot, fmt.Sprint("lane", i), 1, 0) })
		for h.pipelined.Load() <= i { // a lone write that waits is a pipeline
			time.Sleep(time.Millisecond)
		}
	}
	const callers = 100
	failed := make([]error, callers)
	for i := range callers {
		all.Go(func() { _, failed[i] = s.Add(context.Background(), hot, "counter", 1, 0) })
	}
	queued(t, s, callers)
	if _, err := s.Get(t.Context(), hot, "id"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("get beside writes that wait: %v", err)
	}
	master.Must("CONFIG", "RESETSTAT")
	h.batches.Unlock()
	lanes.Wait()
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		t.Fatal(err)
	}
	stats := master.Must("INFO", "commandstats")
	if !strings.Contains(stats, fmt.Sprintf("cmdstat_wait:calls=%d,", laneCount+1)) {
		t.Errorf("%d lone writes and a batch: %s", laneCount, stats)
	}

	replicas[0].Pause()
	for i := range callers {
		all.Go(func() { _, failed[i] = s.Add(context.Background(), hot, "counter", 1, 0) })
	}
	all.Wait()
	for _, err := range failed {
		if !store.IsUnavailable(err) {
			t.Errorf("add without the replica: %v", err)
		}
	}
	replicas[0].Resume()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		n, err := s.Add(t.Context(), hot, "counter", 1, 0)
		if err == nil {
			if n < 2*callers+1 {
				t.Errorf("the counter is %d after %d additions", n, 2*callers+1)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("it does not recover: %v", err)
		}
	}
}

// Every replica that is asked for is needed.
func TestWriteWaitsForAsManyReplicasAsAskedFor(t *testing.T) {
	master, replicas := redistest.NewReplicated(t, 2)
	one := open(t, with(master.URL(), "wait=1&wait_timeout=4s&timeout=20s"), Options{})
	two := open(t, with(master.URL(), "wait=2&wait_timeout=1s&timeout=20s"), Options{})
	add := func(s *Store) error {
		_, err := s.Add(t.Context(), hot, "counter", 1, time.Hour)
		return err
	}
	if err := errors.Join(add(one), add(two)); err != nil {
		t.Fatal(err)
	}
	replicas[1].Pause()
	defer replicas[1].Resume()
	if err := add(one); err != nil {
		t.Errorf("one replica is enough: %v", err)
	}
	if err := add(two); !store.IsUnavailable(err) {
		t.Errorf("with one replica of two: %v, want an UnavailableError", err)
	}
}

func TestTooFewReplicasAreWarnedOf(t *testing.T) {
	master, _ := redistest.NewReplicated(t, 1)
	for query, warned := range map[string]bool{"prefix=x:": false, "wait=1": false, "wait=2": true} {
		s := open(t, with(master.URL(), query), Options{})
		warnings, err := s.Check(t.Context())
		if err != nil || strings.Contains(strings.Join(warnings, "\n"), "replica") != warned {
			t.Errorf("%s: %q, %v", query, warnings, err)
		}
	}
	master.Must("ACL", "SETUSER", "default", "-wait")
	s, err := Open(t.Context(), with(master.URL(), "wait=1"), Options{})
	if err == nil {
		_ = s.Close()
		t.Fatal("a user who may not WAIT is accepted")
	}
	if store.IsUnavailable(err) || !strings.Contains(err.Error(), "WAIT") {
		t.Errorf("a user who may not WAIT: %v", err)
	}
}

// Redis itself refuses writes where min-replicas-to-write asks for it: nothing was written then.
func TestMasterThatMissesItsReplicasIsUnavailable(t *testing.T) {
	for _, query := range []string{"timeout=10s", "timeout=10s&wait=1", "timeout=10s&pipelining=off"} {
		master, replicas := redistest.NewReplicated(t, 1)
		master.Must("CONFIG", "SET", "min-replicas-to-write", "1")
		s := open(t, with(master.URL(), query), Options{})
		recovers(t, s)
		replicas[0].Kill()
		master.Until("min_slaves_good_slaves:0", "INFO", "replication")
		for _, kind := range []store.Kind{hot, small} {
			if _, err := s.Create(t.Context(), store.Record{Kind: kind, ID: "id"}); !store.IsUnavailable(err) {
				t.Errorf("create: %v, want an UnavailableError", err)
			}
			if _, err := s.Get(t.Context(), kind, "id"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("get: %v", err)
			}
		}
		replicas[0].Restart()
		recovers(t, s)
	}
}
