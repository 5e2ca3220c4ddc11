package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	goredis "github.com/redis/go-redis/v9"
)

var errReplica = errors.New("this redis is a replica")

// Check looks at the settings of every master. It refuses a Redis that evicts records when its memory is full (unless told
// to accept that) and one that lacks commands we need, and gives warnings for an operator.
func (s *Store) Check(ctx context.Context) (warnings []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.address.timeout)
	defer cancel()
	if s.address.password == "" && !s.address.local() {
		warnings = append(warnings, "redis is used without a password on an address that is not loopback")
	}
	var mu sync.Mutex
	err = s.eachMaster(ctx, func(ctx context.Context, c *goredis.Client) error {
		found, err := s.checkNode(ctx, c)
		mu.Lock()
		defer mu.Unlock()
		for _, w := range found {
			if !slices.Contains(warnings, w) {
				warnings = append(warnings, w)
			}
		}
		return err
	})
	return warnings, err
}

func (s *Store) eachMaster(ctx context.Context, look func(context.Context, *goredis.Client) error) error {
	switch c := s.client.(type) {
	case *goredis.Client:
		return look(ctx, c)
	case *goredis.ClusterClient:
		var refused error
		var mu sync.Mutex
		err := c.ForEachMaster(ctx, func(ctx context.Context, c *goredis.Client) error {
			err := look(ctx, c)
			mu.Lock()
			defer mu.Unlock()
			if err != nil && refused == nil {
				refused = err
			}
			return err
		})
		if refused != nil {
			return refused
		}
		return s.failed(operation{verb: "check"}, err)
	}
	return fmt.Errorf("check redis: unknown client %T", s.client)
}

func (s *Store) checkNode(ctx context.Context, c *goredis.Client) ([]string, error) {
	if err := c.Ping(ctx).Err(); err != nil {
		return nil, s.failed(operation{verb: "check"}, err)
	}
	info, err := information(ctx, c)
	var forbidden goredis.Error
	if err != nil && !errors.As(err, &forbidden) {
		return nil, s.failed(operation{verb: "check"}, err)
	}
	if v := info["redis_version"]; v != "" && older(v, 6, 2) {
		return nil, fmt.Errorf("redis %s has no GETDEL command: version 6.2 or later is needed", v)
	}
	if info["cluster_enabled"] == "1" && !s.cluster {
		return nil, errors.New("this redis is a node of a Cluster: use redis+cluster:// in the store URL")
	}
	if info["redis_mode"] == "sentinel" {
		return nil, errors.New("this redis is a Sentinel: use redis+sentinel:// and the name of the master in the store URL")
	}
	if info["role"] == "slave" {
		return nil, s.failed(operation{verb: "check"}, errReplica)
	}
	policy := setting(ctx, c, "maxmemory-policy")
	if policy == "" {
		policy = info["maxmemory_policy"]
	}
	warnings, err := s.checkPolicy(policy)
	if err != nil {
		return nil, err
	}
	short, err := s.checkReplicas(ctx, c, info["connected_slaves"])
	if err != nil {
		return nil, err
	}
	warnings = append(warnings, short...)
	return append(warnings, durability(info["aof_enabled"], setting(ctx, c, "save"))...), nil
}

// checkReplicas sees that writes can wait for replicas, if they shall.
func (s *Store) checkReplicas(ctx context.Context, c *goredis.Client, connected string) ([]string, error) {
	want := s.address.replicas
	if want == 0 {
		return nil, nil
	}
	err := c.Do(ctx, "wait", 0, 1).Err()
	if goredis.HasErrorPrefix(err, "NOPERM") {
		return nil, fmt.Errorf("writes shall wait for replicas, but the user may not use WAIT: %w", err)
	}
	if err != nil {
		return nil, s.failed(operation{verb: "check"}, err)
	}
	if n, err := strconv.ParseInt(connected, 10, 64); err == nil && n < want {
		return []string{fmt.Sprintf("redis has %d replicas and writes wait for %d: they fail until there are enough", n, want)}, nil
	}
	return nil, nil
}

func (s *Store) checkPolicy(policy string) ([]string, error) {
	switch {
	case policy == "noeviction":
		return nil, nil
	case s.options.AcceptEviction:
		return []string{fmt.Sprintf("redis may evict records when its memory is full (maxmemory-policy %q)", policy)}, nil
	case policy == "":
		return nil, errors.New("redis does not tell its maxmemory-policy: allow its user INFO or CONFIG GET, or accept eviction")
	}
	return nil, fmt.Errorf("redis may evict clients and tokens when its memory is full (maxmemory-policy %s): "+
		"set it to noeviction, or accept eviction", policy)
}

// durability says what is lost when Redis stops; save is empty also when Redis does not tell.
func durability(aof, save string) []string {
	if aof == "1" || save != "" {
		return nil
	}
	return []string{"redis keeps neither an append-only file nor snapshots, or does not tell: a restart of it may lose everything"}
}

// setting reads one setting, "" where that is forbidden.
func setting(ctx context.Context, c *goredis.Client, name string) string {
	values, err := c.ConfigGet(ctx, name).Result()
	if err != nil {
		return ""
	}
	return values[name]
}

func information(ctx context.Context, c *goredis.Client) (map[string]string, error) {
	text, err := c.Info(ctx).Result()
	if err != nil {
		return nil, err
	}
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	return info, nil
}

func older(version string, major, minor int) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	a, errA := strconv.Atoi(parts[0])
	b, errB := strconv.Atoi(parts[1])
	return errA == nil && errB == nil && (a < major || a == major && b < minor)
}
