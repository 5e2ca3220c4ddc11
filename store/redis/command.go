package redis

import (
	"context"
	"errors"
	"net"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/grantor-dev/grantor/store"
)

// operation is a verb and the kind that it is about, if it is about one, for errors.
type operation struct {
	verb string
	kind store.Kind
}

func (o operation) String() string {
	if o.kind.Name == "" {
		return o.verb
	}
	return o.verb + " " + o.kind.Name
}

// begin bounds a verb, and refuses it if its context has ended already.
func (s *Store) begin(ctx context.Context, op operation) (context.Context, error) {
	if err := ctx.Err(); err != nil {
		return nil, s.failed(op, err)
	}
	return until{ctx, time.Now().Add(s.address.timeout)}, nil
}

// until is a context with an end that no timer tells of: a timer for each verb costs as much as a tenth of an introspection.
// Each command of a verb asks for the end before it is sent, go-redis before each step, of which each is bounded by a time of
// its own, and batches.look now and then for those that wait.
type until struct {
	context.Context
	end time.Time
}

// Deadline is part of context.Context.
func (u until) Deadline() (time.Time, bool) {
	if end, bounded := u.Context.Deadline(); bounded && end.Before(u.end) {
		return end, true
	}
	return u.end, true
}

// Err is part of context.Context.
func (u until) Err() error {
	if err := u.Context.Err(); err != nil {
		return err
	}
	if time.Now().After(u.end) {
		return context.DeadlineExceeded
	}
	return nil
}

// failed makes an UnavailableError of whatever Redis or the network said: nothing is known but that.
func (s *Store) failed(op operation, err error) error {
	if err == nil {
		return nil
	}
	return &store.UnavailableError{Op: op.String(), Err: err}
}

// once is a command that go-redis must not send again by itself; its Cluster client would, whatever MaxRetries says.
type once struct{ *goredis.Cmd }

// NoRetry is part of goredis.Cmder.
func (once) NoRetry() bool { return true }

// onceText is once for a command that is answered by a text; it spares a copy.
type onceText struct{ *goredis.StringCmd }

// NoRetry is part of goredis.Cmder.
func (onceText) NoRetry() bool { return true }

// bytes sends a command once and gives its answer, which must not be changed.
func (s *Store) bytes(ctx context.Context, args ...any) ([]byte, error) {
	cmd := onceText{goredis.NewStringCmd(ctx, args...)}
	if !s.process(ctx, cmd, args) {
		return nil, ctx.Err()
	}
	return cmd.Bytes()
}

// do sends a command once, where it can together with those of other callers.
func (s *Store) do(ctx context.Context, args ...any) *goredis.Cmd {
	cmd := once{goredis.NewCmd(ctx, args...)}
	if !s.process(ctx, cmd, args) {
		unanswered := goredis.NewCmd(ctx, args...)
		unanswered.SetErr(ctx.Err())
		return unanswered
	}
	return cmd.Cmd
}

// process sends a command; false says that it was given up and must not be touched any more.
func (s *Store) process(ctx context.Context, cmd goredis.Cmder, args []any) bool {
	if isOver(ctx, cmd) {
		return true
	}
	if s.reading != nil && isBatchable(args) {
		if reads(cmd.Name()) {
			return s.reading.process(ctx, cmd)
		}
		return s.writing.process(ctx, cmd)
	}
	s.send(ctx, cmd)
	return true
}

// alone sends a command once, on a connection of its own.
func (s *Store) alone(ctx context.Context, args ...any) *goredis.Cmd {
	cmd := once{goredis.NewCmd(ctx, args...)}
	if !isOver(ctx, cmd) {
		s.send(ctx, cmd)
	}
	return cmd.Cmd
}

// isOver fails a command whose time is over before it is sent. go-redis would find out on the wire, and give up a connection
// that is sound.
func isOver(ctx context.Context, cmd goredis.Cmder) bool {
	err := ctx.Err()
	if err != nil {
		cmd.SetErr(err)
	}
	return err != nil
}

// send sends a command, which holds its error.
func (s *Store) send(ctx context.Context, cmd goredis.Cmder) {
	s.relearn(ctx, s.client.Process(ctx, cmd))
}

// sendAll sends several commands, each of which holds its error.
func (s *Store) sendAll(ctx context.Context, pipe goredis.Pipeliner) {
	_, err := pipe.Exec(ctx)
	s.relearn(ctx, err)
}

// relearn asks, where a node of a Cluster is away, the others who has taken over. go-redis does so at once only for what it
// sends again by itself, and else every ten seconds.
func (s *Store) relearn(ctx context.Context, err error) {
	var said goredis.Error
	if err == nil || errors.As(err, &said) || errors.Is(err, goredis.ErrClosed) {
		return
	}
	if cluster, ok := s.client.(*goredis.ClusterClient); ok {
		cluster.ReloadState(ctx)
	}
}

// read sends a command that changes nothing and may take its time, a second time if the connection turned out to be broken: those that were
// idle while Redis restarted are.
func (s *Store) read(ctx context.Context, args ...any) *goredis.Cmd {
	cmd := s.alone(ctx, args...)
	if brokenConnection(cmd.Err()) && ctx.Err() == nil {
		return s.alone(ctx, args...)
	}
	return cmd
}

func brokenConnection(err error) bool {
	if err == nil {
		return false
	}
	var refused goredis.Error
	if errors.As(err, &refused) || errors.Is(err, goredis.ErrClosed) || errors.Is(err, errQueueFull) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var network net.Error
	return !errors.As(err, &network) || !network.Timeout()
}

// run runs a script, sending its text only if Redis does not know it.
func (s *Store) run(ctx context.Context, sc script, names []string, args ...any) *goredis.Cmd {
	cmd := s.do(ctx, sc.command("evalsha", sc.sha, names, args)...)
	if goredis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") {
		return s.do(ctx, sc.command("eval", sc.text, names, args)...)
	}
	return cmd
}
