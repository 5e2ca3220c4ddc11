package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// replication makes a write wait until some replicas have it, too. WAIT counts what was sent before it over the same
// connection, so it follows the writes in their pipeline, of which a lone write becomes one. It is a hook of the client of
// one node: in a Cluster each part of a pipeline has its own, and what a node sends elsewhere waits there.
type replication struct {
	client   *goredis.Client
	replicas int64
	patience time.Duration
}

// shortError stands in a write that too few replicas have acknowledged. It has happened, and may yet be lost.
type shortError string

func (e shortError) Error() string { return string(e) }

// RedisError is part of goredis.Error: the connection is sound.
func (shortError) RedisError() {}

// follow makes the writes of a node's client wait.
func (a address) follow(c *goredis.Client) {
	if a.replicas > 0 {
		c.AddHook(&replication{c, a.replicas, a.patience})
	}
}

// changes reports whether a command is one of ours that may change something; the commands by which go-redis makes a
// connection are not. What Redis answers to a write without changing anything, such as that a record exists, rests on what
// others wrote a moment ago, and waits as well.
func changes(cmd goredis.Cmder) bool {
	switch cmd.(type) {
	case once, onceText:
		return !reads(cmd.Name())
	}
	return false
}

func reads(name string) bool {
	switch name {
	case "get", "mget", "zrangebylex":
		return true
	}
	return false
}

// DialHook is part of goredis.Hook.
func (*replication) DialHook(next goredis.DialHook) goredis.DialHook { return next }

// ProcessHook is part of goredis.Hook.
func (r *replication) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		if !changes(cmd) {
			return next(ctx, cmd)
		}
		pipe := r.client.Pipeline()
		_ = pipe.Process(ctx, cmd) // queues it
		_, _ = pipe.Exec(ctx)      // the command holds its error
		return cmd.Err()
	}
}

// ProcessPipelineHook is part of goredis.Hook.
func (r *replication) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		var writes []goredis.Cmder
		for _, cmd := range cmds {
			if changes(cmd) {
				writes = append(writes, cmd)
			}
		}
		if len(writes) == 0 {
			return next(ctx, cmds)
		}
		wait := goredis.NewIntCmd(ctx, "wait", r.replicas, r.patience.Milliseconds())
		err := next(ctx, append(cmds[:len(cmds):len(cmds)], wait))
		if short := r.short(wait); short != nil {
			for _, cmd := range writes {
				if done(cmd.Err()) {
					cmd.SetErr(short)
				}
			}
			if done(err) {
				err = short
			}
		}
		return err
	}
}

// short reports that too few replicas have what was written before the WAIT.
func (r *replication) short(wait *goredis.IntCmd) error {
	n, err := wait.Result()
	switch {
	case err != nil:
		return shortError(fmt.Sprintf("the replicas were not waited for: %v", err))
	case n < r.replicas:
		return shortError(fmt.Sprintf("%d of %d replicas acknowledged the write within %v", n, r.replicas, r.patience))
	}
	return nil
}

// done reports whether a command ran, whatever Redis answered. Where it did not its own error tells more, and where it was
// sent to another node it is about to run.
func done(err error) bool { return err == nil || errors.Is(err, goredis.Nil) }
