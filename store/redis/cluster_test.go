package redis

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/storetest"
)

func TestClusterWithoutANodeIsUnavailableForItsSlotsOnly(t *testing.T) {
	nodes, url := redistest.NewCluster(t)
	for _, n := range nodes {
		n.Must("CONFIG", "SET", "cluster-require-full-coverage", "no")
	}
	s := impatient(t, url, Options{})
	for i := range 50 {
		if _, err := s.Create(t.Context(), store.Record{Kind: hot, ID: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	nodes[1].Kill()
	var there, away int
	for i := range 50 {
		_, err := s.Get(t.Context(), hot, fmt.Sprint(i))
		switch {
		case err == nil:
			there++
		case store.IsUnavailable(err):
			away++
		default:
			t.Fatalf("get: %v", err)
		}
	}
	if there == 0 || away == 0 {
		t.Errorf("%d records there, %d unavailable", there, away)
	}
	for _, n := range nodes {
		n.Kill()
	}
	storetest.RunUnavailable(t, s)
	for _, n := range nodes {
		n.Restart()
	}
	for _, n := range nodes {
		n.Until("cluster_state:ok", "CLUSTER", "INFO")
	}
	recovers(t, s)
}

// A replica that has taken over is found as soon as it has, though nobody who was asked says so: the master is gone.
func TestClusterFailoverIsFollowed(t *testing.T) {
	masters, replicas, url := redistest.NewReplicatedCluster(t)
	s := impatient(t, url, Options{})
	var records []store.Record
	for i := range 30 {
		r := store.Record{Kind: hot, ID: fmt.Sprint(i), Value: []byte("value"), Tags: []string{fmt.Sprint("tag", i)}}
		if _, err := s.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	masters[0].Must("WAIT", "1", "10000")
	masters[0].Kill()
	for deadline := time.Now().Add(60 * time.Second); ; {
		role, err := replicas[0].Do("INFO", "replication")
		if err == nil && strings.Contains(role, "role:master") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no replica takes over: %s %v", role, err)
		}
		for _, r := range records { // what those meet who ask meanwhile
			if got, err := s.Get(t.Context(), hot, r.ID); err == nil && string(got.Value) != "value" || err != nil && !store.IsUnavailable(err) {
				t.Fatalf("get: %q, %v", got.Value, err)
			}
		}
	}
	replicas[0].Until("cluster_state:ok", "CLUSTER", "INFO")
	began := time.Now()
	for _, r := range records {
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			got, err := s.Get(t.Context(), hot, r.ID)
			if err == nil && string(got.Value) == "value" {
				break
			}
			if time.Now().After(deadline) || err == nil || !store.IsUnavailable(err) {
				t.Fatalf("get: %q, %v", got.Value, err)
			}
		}
	}
	t.Logf("followed %v after the replica took over", time.Since(began))
	recovers(t, s)
}

func TestSlotsThatMoveAreFollowed(t *testing.T) {
	nodes, url := redistest.NewCluster(t)
	s := impatient(t, url, Options{})
	from, to := nodes[0], nodes[2]
	for _, n := range nodes {
		n.Must("CONFIG", "SET", "cluster-allow-replica-migration", "no") // a master without slots would become a replica
	}
	fromID, toID := from.Must("CLUSTER", "MYID"), to.Must("CLUSTER", "MYID")
	moved := 0
	for i := 0; moved < 10; i++ {
		r := store.Record{Kind: hot, ID: fmt.Sprint(i), Tags: []string{fmt.Sprint("t", i)}}
		slot := from.Must("CLUSTER", "KEYSLOT", s.keys.record(hot, r.ID))
		if n, _ := strconv.Atoi(slot); n > 16384/3-1 {
			continue // not one of the first node
		}
		moved++
		write := func(phase string) {
			t.Helper()
			var err error
			if r.Version, err = s.Create(t.Context(), r); err != nil {
				t.Fatalf("%s: create: %v", phase, err)
			}
			if r.Version, err = s.Swap(t.Context(), r, r); err != nil {
				t.Fatalf("%s: swap: %v", phase, err)
			}
			if page, _, err := s.List(t.Context(), hot, r.Tags[0], "", 10); err != nil || len(page) != 1 {
				t.Fatalf("%s: list: %d records, %v", phase, len(page), err)
			}
			if _, err = s.Take(t.Context(), hot, r.ID); err != nil {
				t.Fatalf("%s: take: %v", phase, err)
			}
		}
		write("before")
		to.Must("CLUSTER", "SETSLOT", slot, "IMPORTING", fromID)
		from.Must("CLUSTER", "SETSLOT", slot, "MIGRATING", toID)
		write("while it moves")
		to.Must("CLUSTER", "SETSLOT", slot, "NODE", toID)
		from.Must("CLUSTER", "SETSLOT", slot, "NODE", toID)
		write("after")
	}
}
