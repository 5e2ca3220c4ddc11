package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/store"
)

func TestSuiteWithoutPipelining(t *testing.T) {
	suite(t, with(redistest.Start(t), "pipelining=off"), Options{})
}

// held lets a test hold up what is sent, and counts what passes.
type held struct {
	gate      sync.RWMutex // for single commands
	batches   sync.RWMutex
	alone     atomic.Int64
	pipelined atomic.Int64
	longest   atomic.Int64
	panics    atomic.Bool // instead of sending a batch
}

func (h *held) DialHook(next goredis.DialHook) goredis.DialHook { return next }

func (h *held) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		h.alone.Add(1)
		h.gate.RLock()
		defer h.gate.RUnlock()
		return next(ctx, cmd)
	}
}

func (h *held) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		h.pipelined.Add(int64(len(cmds)))
		if n := int64(len(cmds)); n > h.longest.Load() {
			h.longest.Store(n)
		}
		h.batches.RLock()
		defer h.batches.RUnlock()
		if h.panics.Load() {
			panic("a fault")
		}
		return next(ctx, cmds)
	}
}

// queued waits until n commands wait for the next batch.
func queued(t *testing.T, s *Store, n int) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		s.writing.mu.Lock()
		waits := len(s.writing.queue)
		s.writing.mu.Unlock()
		if waits == n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d commands wait, want %d", waits, n)
		}
	}
}

// occupied opens a store all of whose lanes are held up until the function that it gives is called.
func occupied(t *testing.T, url string) (s *Store, h *held, release func()) {
	t.Helper()
	if !strings.Contains(url, "timeout") {
		url = with(url, "timeout=30s")
	}
	s = open(t, url, Options{})
	h = &held{}
	s.client.AddHook(h)
	return s, h, h.occupy(s)
}

// occupy holds up all lanes of a store until the function that it gives is called.
func (h *held) occupy(s *Store) (release func()) {
	h.gate.Lock()
	before := h.alone.Load()
	var lanes sync.WaitGroup
	for i := range int64(laneCount) {
		time.Sleep(2 * laneSlow) // only then does another lane open
		lanes.Go(func() { _, _ = s.Get(context.Background(), hot, "lane") })
		for h.alone.Load() <= before+i {
			time.Sleep(time.Millisecond)
		}
	}
	return func() { h.gate.Unlock(); lanes.Wait() }
}

// A Redis that answers soon gets one sending after the other; the next lane opens where one takes long.
func TestAnotherLaneOpensWhereOneIsSlow(t *testing.T) {
	b := &batches{}
	now := time.Now()
	for _, c := range []struct {
		busy  int
		begun time.Duration // ago
		want  bool
	}{
		{0, 0, true}, {1, 0, false}, {1, laneSlow / 2, false}, {1, 2 * laneSlow, true}, {laneCount, time.Hour, false},
	} {
		b.busy, b.begun = c.busy, now.Add(-c.begun)
		if got := b.hasLane(); got != c.want {
			t.Errorf("with %d under way for %v: %v", c.busy, c.begun, got)
		}
	}
}

// Each caller gets its own answer, of whatever sort those beside it are.
func TestCommandsOfManyCallersGoTogether(t *testing.T) {
	s, h, release := occupied(t, redistest.Start(t))
	const callers = 300
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			id := fmt.Sprint("caller", i)
			var err error
			switch i % 4 {
			case 0:
				if _, err = s.Get(context.Background(), hot, id); errors.Is(err, store.ErrNotFound) {
					err = nil
				}
			case 1:
				_, err = s.Create(context.Background(), store.Record{Kind: hot, ID: id, Value: []byte(id)})
				if err == nil {
					var r store.Record
					if r, err = s.Take(context.Background(), hot, id); string(r.Value) != id {
						err = fmt.Errorf("got the record %q", r.Value)
					}
				}
			case 2: // by a script that Redis does not know yet
				_, err = s.Create(context.Background(), store.Record{Kind: hot, ID: id, Tags: []string{"tag"}})
			case 3:
				var n int64
				if n, err = s.Add(context.Background(), hot, id, int64(i), 0); n != int64(i) {
					err = fmt.Errorf("got the counter %d", n)
				}
			}
			if err != nil {
				t.Errorf("%s: %v", id, err)
			}
		})
	}
	queued(t, s, callers)
	release()
	all.Wait()
	if h.longest.Load() != batchSize || h.pipelined.Load() < callers {
		t.Errorf("the longest batch has %d commands, all batches have %d", h.longest.Load(), h.pipelined.Load())
	}
}

func TestLongCommandsGoAlone(t *testing.T) {
	s, h, release := occupied(t, redistest.Start(t))
	done := make(chan error)
	go func() {
		_, err := s.Create(context.Background(), store.Record{Kind: hot, ID: "long", Value: make([]byte, batchable)})
		done <- err
	}()
	for h.alone.Load() <= laneCount { // it passes by the lanes, which are held up
		time.Sleep(time.Millisecond)
	}
	release()
	if err := <-done; err != nil || h.pipelined.Load() != 0 {
		t.Errorf("%v, %d commands in batches", err, h.pipelined.Load())
	}
}

// What waits and is given up is not sent at all: its caller was told that it failed.
func TestCommandGivenUpInTheQueueIsNotSent(t *testing.T) {
	s, h, release := occupied(t, redistest.Start(t))
	ctx, giveUp := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() { _, err := s.Add(ctx, hot, "counter", 1, 0); gone <- err }()
	queued(t, s, 1)
	giveUp()
	if err := <-gone; !store.IsUnavailable(err) || !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	release()
	if n, err := s.Add(t.Context(), hot, "counter", 0, 0); err != nil || n != 0 || h.pipelined.Load() != 0 {
		t.Errorf("the counter is %d, %v", n, err)
	}
}

// A command that is under way when its caller gives up has an unknown outcome: he is told at once, those beside him get their
// answers, and nothing is sent again.
func TestWhoGivesUpWhileABatchIsUnderWayIsAnswered(t *testing.T) {
	s, h, release := occupied(t, redistest.Start(t))
	h.batches.Lock()
	ctx, giveUp := context.WithCancel(t.Context())
	gone, stays := make(chan error, 1), make(chan error, 1)
	go func() { _, err := s.Add(ctx, hot, "gone", 1, 0); gone <- err }()
	go func() { _, err := s.Add(context.Background(), hot, "stays", 1, 0); stays <- err }()
	queued(t, s, 2)
	release()
	for h.pipelined.Load() < 2 { // it is under way, and held up
		time.Sleep(time.Millisecond)
	}
	time.Sleep(3 * lookEvery) // and is looked at although the queue is empty
	giveUp()
	select {
	case err := <-gone:
		if !store.IsUnavailable(err) || !errors.Is(err, context.Canceled) {
			t.Errorf("given up: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("who gave up waits")
	}
	time.Sleep(3 * lookEvery) // he is told once
	h.batches.Unlock()
	if err := <-stays; err != nil {
		t.Errorf("beside it: %v", err)
	}
	for _, counter := range []string{"gone", "stays"} {
		if n, err := s.Add(t.Context(), hot, counter, 0, 0); err != nil || n != 1 {
			t.Errorf("%s is %d, %v", counter, n, err)
		}
	}
}

// Who gives up is answered also where nobody had waited for a while; and nobody looks where nobody waits.
func TestLooksBeginAndEnd(t *testing.T) {
	s, h, release := occupied(t, redistest.Start(t))
	for range 3 {
		ctx, giveUp := context.WithTimeout(t.Context(), 5*time.Millisecond)
		ended := make(chan error, 1)
		go func() { _, err := s.Get(ctx, hot, "id"); ended <- err }()
		select {
		case err := <-ended:
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("given up: %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("who gave up waits")
		}
		giveUp()
		release()
		for began := time.Now(); s.looking(); time.Sleep(time.Millisecond) {
			if time.Since(began) > 10*time.Second {
				t.Fatal("nobody waits, and somebody looks")
			}
		}
		release = h.occupy(s)
	}
	release()
}

// Of two batches that are under way one is answered: who waits for the other is looked at still, and is told one thing only.
func TestABatchIsLookedAtUntilItIsAnswered(t *testing.T) {
	b := &batches{}
	ctx, giveUp := context.WithCancel(t.Context())
	next := func() (*waiting, []*waiting) {
		w := b.place(ctx, nil)
		b.queue = []*waiting{w}
		return w, b.next()
	}
	_, first := next()
	w, second := next()
	if got := b.answerable(first); len(got) != 1 {
		t.Errorf("%d of the first batch are answered", len(got))
	}
	giveUp()
	b.look()
	b.look()
	select {
	case answered := <-w.answered:
		if answered {
			t.Error("he is told that there is an answer")
		}
	default:
		t.Error("he is not told")
	}
	if got := b.answerable(second); len(got) != 0 || len(b.underWay) != 0 {
		t.Errorf("%d of the second batch are answered, %d batches are under way", len(got), len(b.underWay))
	}
}

// looking reports whether somebody looks for callers who have given up, or a lane is busy, which ends before that.
func (s *Store) looking() bool {
	s.writing.mu.Lock()
	defer s.writing.mu.Unlock()
	return s.writing.looking || s.writing.busy > 0
}

// The answers to a batch are lost: every command of it has an unknown outcome, and none is sent again.
func TestBatchWithLostAnswersIsNotRepeated(t *testing.T) {
	server := redistest.New(t)
	s, h, release := occupied(t, with(server.URL(), "timeout=2s"))
	h.batches.Lock()
	const callers = 40
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			if _, err := s.Add(context.Background(), hot, fmt.Sprint("counter", i), 1, 0); !store.IsUnavailable(err) {
				t.Errorf("add: %v, want an UnavailableError", err)
			}
		})
	}
	queued(t, s, callers)
	release()
	queued(t, s, 0)
	server.Pause() // what is sent lies in its socket and runs later
	h.batches.Unlock()
	all.Wait()
	server.Resume()
	recovers(t, s)
	for i := range callers {
		if n, err := s.Add(t.Context(), hot, fmt.Sprint("counter", i), 0, 0); err != nil || n > 1 {
			t.Errorf("counter %d is %d, %v", i, n, err)
		}
	}
}

func TestClosedStoreLeavesNoCommandWaiting(t *testing.T) {
	s, _, release := occupied(t, redistest.Start(t))
	const callers = 20
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			if _, err := s.Get(context.Background(), hot, "id"); !store.IsUnavailable(err) && !errors.Is(err, store.ErrNotFound) {
				t.Errorf("get: %v", err)
			}
		})
	}
	queued(t, s, callers)
	go release()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	all.Wait()
	if _, err := s.Get(t.Context(), hot, "id"); !store.IsUnavailable(err) {
		t.Errorf("get of a closed store: %v", err)
	}
}

func TestCloseWaitsForWhatIsUnderWay(t *testing.T) {
	s, h, release := occupied(t, redistest.Start(t))
	h.batches.Lock()
	answered := make(chan struct{})
	go func() { defer close(answered); _, _ = s.Get(context.Background(), hot, "id") }()
	queued(t, s, 1)
	release()
	for h.pipelined.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	closed := make(chan struct{})
	go func() { defer close(closed); _ = s.Close() }()
	select {
	case <-closed:
		t.Error("a batch is under way still")
	case <-time.After(50 * time.Millisecond):
	}
	h.batches.Unlock()
	<-answered
	<-closed
}

// Once the store is closed nobody waits for a goroutine of its own: who has the lane sends what waited behind him.
func TestWhatWaitsWhileTheStoreClosesIsSentByWhoHasTheLane(t *testing.T) {
	s, h, release := occupied(t, redistest.Start(t))
	answered, released := make(chan struct{}), make(chan struct{})
	go func() { defer close(answered); _, _ = s.Get(context.Background(), hot, "id") }()
	queued(t, s, 1)
	s.writing.close()
	h.batches.Lock()
	go func() { defer close(released); release() }()
	for h.pipelined.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	select {
	case <-released:
		t.Error("whoever had the lane has gone, and what waited is under way")
	case <-time.After(50 * time.Millisecond):
	}
	h.batches.Unlock()
	<-answered
	<-released
}

// A Redis that has stalled does not gather commands without end: those that come when too many wait fail at once.
func TestQueueIsBounded(t *testing.T) {
	s, _, release := occupied(t, redistest.Start(t))
	ctx, giveUp := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range queueSize {
		all.Go(func() { _, _ = s.Get(ctx, hot, "id") })
	}
	queued(t, s, queueSize)
	began := time.Now()
	for _, try := range []func() error{
		func() error { _, err := s.Get(t.Context(), hot, "id"); return err },
		func() error { _, err := s.Add(t.Context(), hot, "counter", 1, 0); return err },
	} {
		if err := try(); !store.IsUnavailable(err) || !errors.Is(err, errQueueFull) || time.Since(began) > 20*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	}
	giveUp()
	all.Wait()
	release()
	if n, err := s.Add(t.Context(), hot, "counter", 1, 0); err != nil || n != 1 {
		t.Errorf("afterwards the counter is %d, %v", n, err)
	}
}

// A fault of the client below a batch is an error of those commands, not the end of the process, and the lane goes on.
func TestPanicBelowABatchFailsItsCommandsOnly(t *testing.T) {
	s, h, release := occupied(t, redistest.Start(t))
	h.panics.Store(true)
	const callers = 10
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			if _, err := s.Take(context.Background(), hot, "id"); !store.IsUnavailable(err) || !strings.Contains(err.Error(), "panic") {
				t.Errorf("take: %v", err)
			}
		})
	}
	queued(t, s, callers)
	release()
	all.Wait()
	h.panics.Store(false)
	for range 2 * laneCount {
		recovers(t, s)
	}
	s.writing.mu.Lock()
	defer s.writing.mu.Unlock()
	if s.writing.busy > laneCount {
		t.Errorf("%d lanes are busy", s.writing.busy)
	}
}

// Places in the queue are used again: who gives up must not leave his answer, or its absence, to the next.
func TestWhoGivesUpLeavesNothingToOthers(t *testing.T) {
	s := open(t, with(redistest.Start(t), "timeout=30s"), Options{})
	const callers, rounds = 200, 20
	for i := range callers {
		if _, err := s.Create(t.Context(), store.Record{Kind: hot, ID: fmt.Sprint("caller", i), Value: fmt.Append(nil, i)}); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			id := fmt.Sprint("caller", i)
			for round := range rounds {
				ctx, giveUp := context.WithCancel(context.Background())
				if i%3 == 0 {
					go giveUp() // at some time while it waits
				}
				r, err := s.Get(ctx, hot, id)
				gone := errors.Is(err, context.Canceled) && ctx.Err() != nil
				if !gone && (err != nil || string(r.Value) != fmt.Sprint(i)) {
					t.Errorf("%s, round %d: %q, %v", id, round, r.Value, err)
				}
				giveUp()
			}
		})
	}
	all.Wait()
}

// A verb of several commands sends none of them once its time is over: it neither waits for a turn, nor spends a connection.
func TestAVerbWhoseTimeIsOverSendsNothingMore(t *testing.T) {
	s, h, release := occupied(t, redistest.Start(t))
	defer release()
	late := until{context.Background(), time.Now().Add(-time.Second)}
	ended := make(chan error)
	for name, send := range map[string]func() error{
		"with others": func() error { return s.do(late, "get", "x").Err() },
		"as bytes":    func() error { _, err := s.bytes(late, "get", "x"); return err },
		"a long one":  func() error { return s.do(late, "set", "x", make([]byte, batchable+1)).Err() },
		"alone":       func() error { return s.read(late, "get", "x").Err() },
	} {
		before := h.alone.Load()
		go func() { ended <- send() }()
		select {
		case err := <-ended:
			if !errors.Is(err, context.DeadlineExceeded) || h.alone.Load() != before {
				t.Errorf("%s: %v, %d sent", name, err, h.alone.Load()-before)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("%s: it waits", name)
		}
	}
}

func TestClusterIsNotPipelined(t *testing.T) {
	a, err := parseURL("redis+cluster://a,b")
	if err != nil || a.pipelining {
		t.Errorf("%v, %v", a.pipelining, err)
	}
	if _, err := parseURL("redis+cluster://a?pipelining=on"); err == nil || !strings.Contains(err.Error(), "Cluster") {
		t.Errorf("%v", err)
	}
}
