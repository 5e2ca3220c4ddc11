package redis

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

type mode int

const (
	single mode = iota
	watched
	clustered
)

// address is a store URL, taken apart.
type address struct {
	mode     mode
	tls      bool
	hosts    []string
	master   string
	db       int
	prefix   string
	poolSize int
	timeout  time.Duration

	pipelining bool // commands of callers that come together are sent together

	replicas int64         // that a write waits for; 0 for none
	patience time.Duration // for how long

	username, password                 string
	sentinelUsername, sentinelPassword string
}

// parseURL takes a store URL apart. Its errors quote nothing of the URL but the scheme and the names of its parameters: a
// password with a character that should have been escaped may end up in any other part.
func parseURL(raw string) (address, error) {
	a := address{prefix: "grantor:", timeout: defaultTimeout, pipelining: true}
	scheme, rest, found := strings.Cut(raw, "://")
	if !found {
		return a, errors.New("store URL: no scheme, want redis://, rediss://, redis+sentinel:// or redis+cluster://")
	}
	if err := a.scheme(scheme); err != nil {
		return a, err
	}
	if strings.Contains(rest, "#") {
		return a, errors.New("store URL: it contains '#'; a user name or password with such characters must be percent-encoded")
	}
	rest, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	if at := strings.LastIndex(authority, "@"); at >= 0 {
		if err := a.user(authority[:at]); err != nil {
			return a, err
		}
		authority = authority[at+1:]
	}
	if err := a.addresses(authority); err != nil {
		return a, err
	}
	if err := a.path(path); err != nil {
		return a, err
	}
	if a.mode == clustered {
		a.pipelining = false // a batch would wait for the slowest of its nodes
	}
	if err := a.query(query); err != nil {
		return a, err
	}
	return a, a.waiting()
}

func (a *address) scheme(scheme string) error {
	base, kind, _ := strings.Cut(strings.ToLower(scheme), "+")
	a.tls = base == "rediss"
	modes := map[string]mode{"": single, "sentinel": watched, "cluster": clustered}
	m, known := modes[kind]
	if !known || base != "redis" && base != "rediss" || strings.HasSuffix(scheme, "+") {
		return errors.New("store URL: unknown scheme, want redis://, rediss://, redis+sentinel:// or redis+cluster://")
	}
	a.mode = m
	return nil
}

func (a *address) user(info string) error {
	name, password, _ := strings.Cut(info, ":")
	var errName, errPassword error
	a.username, errName = url.PathUnescape(name)
	a.password, errPassword = url.PathUnescape(password)
	if errName != nil || errPassword != nil || strings.Contains(info, "@") {
		return errors.New("store URL: user name and password must be percent-encoded")
	}
	return nil
}

func (a *address) addresses(hosts string) error {
	standard := "6379"
	if a.mode == watched {
		standard = "26379"
	}
	for part := range strings.SplitSeq(hosts, ",") {
		host, port, err := net.SplitHostPort(part)
		if err != nil {
			host, port = strings.TrimSuffix(strings.TrimPrefix(part, "["), "]"), standard
			if strings.Contains(host, ":") && net.ParseIP(host) == nil {
				return errors.New("store URL: a host is malformed")
			}
		}
		if n, err := strconv.ParseUint(port, 10, 16); host == "" || err != nil || n == 0 {
			return errors.New("store URL: a host or port is malformed")
		}
		a.hosts = append(a.hosts, net.JoinHostPort(host, port))
	}
	if a.mode == single && len(a.hosts) > 1 {
		return errors.New("store URL: several hosts; use redis+sentinel:// or redis+cluster://")
	}
	return nil
}

func (a *address) path(path string) error {
	db := strings.TrimSuffix(path, "/")
	if a.mode == watched {
		var name string
		name, db, _ = strings.Cut(db, "/")
		master, err := url.PathUnescape(name)
		if err != nil || master == "" {
			return errors.New("store URL: the name of the master is missing, as in redis+sentinel://host:26379/master")
		}
		a.master = master
	}
	if db == "" {
		return nil
	}
	n, err := strconv.ParseUint(db, 10, 16)
	if err != nil {
		return errors.New("store URL: the database is not a number")
	}
	if n > 0 && a.mode == clustered {
		return errors.New("store URL: a Cluster has database 0 only")
	}
	a.db = int(n)
	return nil
}

func (a *address) query(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("store URL: the parameters are malformed")
	}
	for name, list := range values {
		if len(list) > 1 {
			return fmt.Errorf("store URL: parameter %q is given twice", name)
		}
		if err := a.parameter(name, list[0]); err != nil {
			return fmt.Errorf("store URL: parameter %q: %w", name, err)
		}
	}
	return nil
}

func (a *address) parameter(name, value string) error {
	switch name {
	case "prefix":
		if strings.ContainsAny(value, "{}") {
			return errors.New("braces decide the slot in a Cluster and cannot be part of it")
		}
		a.prefix = value
	case "pool_size":
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil || n == 0 {
			return errors.New("not a number of connections")
		}
		a.poolSize = int(n)
	case "timeout":
		d, err := time.ParseDuration(value)
		if err != nil || d < 100*time.Millisecond || d > time.Minute {
			return errors.New("not a duration between 100ms and 1m")
		}
		a.timeout = d
	case "pipelining":
		if value != "on" && value != "off" {
			return errors.New("neither on nor off")
		}
		if a.pipelining = value == "on"; a.pipelining && a.mode == clustered {
			return errors.New("not for a Cluster")
		}
	case "wait":
		n, err := strconv.ParseUint(value, 10, 4)
		if err != nil || n == 0 {
			return errors.New("not a number of replicas between 1 and 15")
		}
		a.replicas = int64(n)
	case "wait_timeout":
		d, err := time.ParseDuration(value)
		if err != nil || d < 10*time.Millisecond {
			return errors.New("not a duration of at least 10ms")
		}
		a.patience = d
	case "sentinel_username", "sentinel_password":
		if a.mode != watched {
			return errors.New("only for redis+sentinel://")
		}
		if name == "sentinel_username" {
			a.sentinelUsername = value
		} else {
			a.sentinelPassword = value
		}
	default:
		return errors.New("unknown")
	}
	return nil
}

// waiting sees that Redis can wait for its replicas within the time that it has for an answer.
func (a *address) waiting() error {
	switch {
	case a.replicas == 0 && a.patience > 0:
		return errors.New(`store URL: parameter "wait_timeout" needs "wait", the number of replicas`)
	case a.replicas > 0 && a.patience == 0:
		a.patience = min(a.timeout/5, defaultPatience)
	case a.patience > a.timeout*2/5:
		return errors.New(`store URL: parameter "wait_timeout" is longer than two fifths of "timeout"`)
	}
	return nil
}

// local reports whether all hosts are this machine.
func (a *address) local() bool {
	return !slices.ContainsFunc(a.hosts, func(addr string) bool {
		host, _, _ := net.SplitHostPort(addr) // made by JoinHostPort
		ip := net.ParseIP(host)
		return host != "localhost" && (ip == nil || !ip.IsLoopback())
	})
}
