package limit_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantor-dev/grantor/internal/limit"
)

func TestALaneTakesItsWidthAndItsQueueAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane := limit.NewLane(2, 3)
		for range 2 {
			if err := lane.Enter(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		var waiters sync.WaitGroup
		for range 3 {
			waiters.Go(func() {
				if err := lane.Enter(t.Context()); err != nil {
					t.Error(err)
					return
				}
				lane.Leave()
			})
		}
		synctest.Wait()
		if got := lane.State(); got != (limit.LaneState{Width: 2, Running: 2, Waiting: 3}) {
			t.Errorf("got %+v", got)
		}
		began := time.Now()
		if err := lane.Enter(t.Context()); !errors.Is(err, limit.ErrBusy) || time.Since(began) != 0 {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
		lane.Leave()
		lane.Leave()
		waiters.Wait()
		if got := lane.State(); got != (limit.LaneState{Width: 2, Refused: 1}) {
			t.Errorf("got %+v", got)
		}
	})
}

func TestAWaitHasAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane := limit.NewLane(1, 1)
		if err := lane.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := lane.Enter(t.Context()); !errors.Is(err, limit.ErrBusy) || time.Since(began) != limit.Patience {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
		lane.Leave()
		if err := lane.Enter(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestWhoHasGoneGetsNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane := limit.NewLane(1, 1)
		if err := lane.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error)
		go func() { left <- lane.Enter(ctx) }()
		synctest.Wait()
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		lane.Leave()
		if got := lane.State(); got != (limit.LaneState{Width: 1}) {
			t.Errorf("got %+v", got)
		}
	})
}

func TestNoLaneIsOfAnyWidth(t *testing.T) {
	var lane *limit.Lane
	for range 1000 {
		if err := lane.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	lane.Leave()
}
