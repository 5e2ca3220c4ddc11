package limit

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// ErrBusy says that a request was refused because too many are being worked on, and too many wait already or it waited too
// long.
var ErrBusy = errors.New("too many requests at once")

// Patience is how long a request waits for its turn at most.
const Patience = time.Second

// Lane bounds how many requests are worked on at once, and how many wait for their turn. Beyond that it refuses at once, so
// that overload costs next to nothing and what is served is served in time. A nil *Lane is of any width.
type Lane struct {
	turns   chan struct{}
	queue   int64
	waiting atomic.Int64
	refused atomic.Int64
}

// NewLane makes a lane of so many requests at once and so many that wait.
func NewLane(width, queue int) *Lane {
	return &Lane{turns: make(chan struct{}, max(width, 1)), queue: int64(queue)}
}

// Enter waits for a turn. Where it returns nil, Leave must follow. ErrBusy, or the error of a context that has ended: then
// nobody waits for the answer.
func (l *Lane) Enter(ctx context.Context) error {
	if l == nil {
		return nil
	}
	select {
	case l.turns <- struct{}{}:
		return nil
	default:
	}
	defer l.waiting.Add(-1)
	if l.waiting.Add(1) > l.queue {
		l.refused.Add(1)
		return ErrBusy
	}
	return l.wait(ctx)
}

func (l *Lane) wait(ctx context.Context) error {
	patience := time.NewTimer(Patience)
	defer patience.Stop()
	select {
	case l.turns <- struct{}{}:
	case <-patience.C:
		l.refused.Add(1)
		return ErrBusy
	case <-ctx.Done():
		return fmt.Errorf("wait for a turn: %w", ctx.Err())
	}
	// Of several that are ready, select takes any.
	if err := ctx.Err(); err != nil {
		l.Leave()
		return fmt.Errorf("wait for a turn: %w", err)
	}
	return nil
}

// HasTurn reports whether Enter would give a turn at once now.
func (l *Lane) HasTurn() bool { return l == nil || len(l.turns) < cap(l.turns) }

// Leave ends what Enter began.
func (l *Lane) Leave() {
	if l != nil {
		<-l.turns
	}
}

// LaneState is what a lane holds at a moment, for metrics.
type LaneState struct {
	Width   int   // how many are worked on at once at most
	Running int   // requests that are worked on
	Waiting int   // requests that wait for their turn
	Refused int64 // requests that were refused since the start
}

// State tells what the lane holds.
func (l *Lane) State() LaneState {
	if l == nil {
		return LaneState{}
	}
	return LaneState{Width: cap(l.turns), Running: len(l.turns), Waiting: int(l.waiting.Load()), Refused: l.refused.Load()}
}
