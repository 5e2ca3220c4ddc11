package redis

import (
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/store"
)

func TestEvictionIsRefusedUnlessAccepted(t *testing.T) {
	server := redistest.New(t, "--appendonly", "yes")
	for _, policy := range []string{"allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random",
		"volatile-ttl"} {
		server.Must("CONFIG", "SET", "maxmemory-policy", policy)
		if _, err := Open(t.Context(), server.URL(), Options{}); err == nil || !strings.Contains(err.Error(), policy) {
			t.Errorf("%s: %v, want a refusal that names it", policy, err)
		}
		var warnings []string
		s := open(t, server.URL(), Options{AcceptEviction: true, Warn: func(w string) { warnings = append(warnings, w) }})
		if len(warnings) != 1 || !strings.Contains(warnings[0], policy) {
			t.Errorf("%s: warnings %q", policy, warnings)
		}
		if _, err := s.Create(t.Context(), store.Record{Kind: hot, ID: policy}); err != nil {
			t.Errorf("%s: %v", policy, err)
		}
	}
	server.Must("CONFIG", "SET", "maxmemory-policy", "noeviction")
	if warnings, err := open(t, server.URL(), Options{}).Check(t.Context()); err != nil || len(warnings) != 0 {
		t.Errorf("noeviction: %q, %v", warnings, err)
	}
}

func TestOneMasterOfAClusterThatEvictsIsRefused(t *testing.T) {
	nodes, url := redistest.NewCluster(t)
	nodes[2].Must("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
	_, err := Open(t.Context(), url, Options{})
	if err == nil || store.IsUnavailable(err) || !strings.Contains(err.Error(), "allkeys-lru") {
		t.Fatalf("open: %v, want a refusal", err)
	}
	nodes[2].Must("CONFIG", "SET", "maxmemory-policy", "noeviction")
	nodes[1].Must("CONFIG", "SET", "appendonly", "yes")
	warnings, err := open(t, url, Options{}).Check(t.Context())
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "append-only") {
		t.Fatalf("check: %q, %v", warnings, err)
	}
}

func TestSettingsAreReadAsFarAsAllowed(t *testing.T) {
	for name, test := range map[string]struct {
		forbidden string
		policy    string
		wants     string // in the error, "" for none
	}{
		"all allowed":                {"", "noeviction", ""},
		"config forbidden":           {"-config", "noeviction", ""},
		"config forbidden, evicting": {"-config", "allkeys-lru", "allkeys-lru"},
		"info forbidden":             {"-info", "noeviction", ""},
		"info forbidden, evicting":   {"-info", "volatile-ttl", "volatile-ttl"},
		"everything forbidden":       {"-info -config", "noeviction", "does not tell"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.New(t, "--maxmemory-policy", test.policy)
			server.Must(append([]string{"ACL", "SETUSER", "limited", "on", ">pw", "~*", "+@all"}, strings.Fields(test.forbidden)...)...)
			s, err := Open(t.Context(), "redis://limited:pw@"+server.Addr(), Options{})
			if err == nil {
				defer func() { _ = s.Close() }()
			}
			if test.wants == "" && err != nil || test.wants != "" && (err == nil || !strings.Contains(err.Error(), test.wants)) {
				t.Errorf("open: %v, want an error with %q", err, test.wants)
			}
		})
	}
}

func TestWrongSortOfURLIsRefusedWithTheRightOne(t *testing.T) {
	nodes, _ := redistest.NewCluster(t)
	sentinel := redistest.NewWatched(t).Sentinel
	for url, want := range map[string]string{nodes[0].URL(): "redis+cluster://", sentinel.URL(): "redis+sentinel://"} {
		_, err := Open(t.Context(), url, Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("open: %v, want a refusal that names %s", err, want)
		}
	}
}

func TestDurabilityIsJudged(t *testing.T) {
	for _, test := range []struct {
		aof, save string
		warnings  int
	}{{"1", "", 0}, {"0", "3600 1", 0}, {"1", "3600 1", 0}, {"0", "", 1}, {"", "", 1}} {
		if got := durability(test.aof, test.save); len(got) != test.warnings {
			t.Errorf("aof %q, save %q: %q", test.aof, test.save, got)
		}
	}
}

func TestVersionsAreCompared(t *testing.T) {
	for version, want := range map[string]bool{"6.0.16": true, "5.0.7": true, "6.2.0": false, "6.10.1": false, "7.0.15": false,
		"255.255.255": false, "unknown": false} {
		if older(version, 6, 2) != want {
			t.Errorf("%s: older is %v", version, !want)
		}
	}
}

func TestPasswordIsAskedForOffLoopback(t *testing.T) {
	// The address is one for documentation, where nobody answers.
	s := &Store{address: address{hosts: []string{"192.0.2.1:6379"}, timeout: defaultTimeout}}
	s.client = address{hosts: []string{"127.0.0.1:1"}, timeout: defaultTimeout}.client(nil)
	defer func() { _ = s.Close() }()
	warnings, err := s.Check(t.Context())
	if !store.IsUnavailable(err) || len(warnings) != 1 || !strings.Contains(warnings[0], "password") {
		t.Errorf("check: %q, %v", warnings, err)
	}
}
