package redis

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// batches send the commands of many callers together. A command that comes while no other is under way is sent at once; those
// that come meanwhile wait for its end, and then go out as one pipeline: one write, one read, one connection for all of them.
// So a lone caller waits for nobody, and under load the cost of a system call is shared. Where a sending takes longer than
// laneSlow, because Redis is far away or slow, what comes goes by another lane.
//
// What holds for a single command holds here: each is sent once and never again, and one whose answer did not come has an
// unknown outcome and fails. A caller who gives up is answered soon; where too many wait the next fails at once, for Redis
// has stalled and they would wait in vain. go-redis has a batcher of its own; that one waits on when its caller has given up.
type batches struct {
	client  goredis.UniversalClient
	timeout time.Duration // of a sending

	mu       sync.Mutex
	queue    []*waiting
	underWay [][]*waiting // batches that were sent and not answered
	looking  bool         // for callers who have given up
	busy     int          // sendings under way
	begun    time.Time    // the last of them
	closed   bool
	ended    sync.WaitGroup
	places   sync.Pool // of *waiting
}

const (
	laneCount = 2 // sendings under way at once, at most
	laneSlow  = 2 * time.Millisecond
	batchSize = 128            // commands in one
	queueSize = 64 * batchSize // commands that wait, with those whose callers have gone
	batchable = 16 << 10       // bytes of arguments; a longer command goes alone, for it would hold up the others
)

// lookEvery is how soon a caller who gives up is answered. Callers look at nothing but their answers: to wait for the end of
// a context as well costs a fortieth of an introspection.
const lookEvery = 20 * time.Millisecond

// waiting is a command in the queue. answered gets one value, for which there is room: true once its command may be read,
// false where its caller has given up and must not touch it.
type waiting struct {
	ctx      context.Context
	cmd      goredis.Cmder
	answered chan bool
	gone     bool // false was sent
}

var (
	// errUnanswered stands in each command from the queue until its answer is there.
	errUnanswered = errors.New("redis has not answered")
	errQueueFull  = errors.New("too many commands wait for redis")
)

// process sends a command and waits for its answer. Where ctx ends first, the command must not be touched any more, as it
// may be under way; false says so.
func (b *batches) process(ctx context.Context, cmd goredis.Cmder) bool {
	b.mu.Lock()
	if b.hasLane() {
		b.busy++
		b.begun = time.Now()
		b.mu.Unlock()
		defer b.proceed()
		_ = b.client.Process(ctx, cmd) // the command holds the error
		return true
	}
	if len(b.queue) >= queueSize {
		b.mu.Unlock()
		cmd.SetErr(errQueueFull)
		return true
	}
	cmd.SetErr(errUnanswered)
	w := b.place(ctx, cmd)
	b.queue = append(b.queue, w)
	if !b.looking {
		b.looking = true
		time.AfterFunc(lookEvery, b.look)
	}
	b.mu.Unlock()
	answered := <-w.answered
	if answered { // else whoever sends the command has hold of the place
		w.ctx, w.cmd = nil, nil
		b.places.Put(w)
	}
	return answered
}

func (b *batches) hasLane() bool {
	return b.busy == 0 || b.closed || b.busy < laneCount && time.Since(b.begun) > laneSlow
}

func (b *batches) place(ctx context.Context, cmd goredis.Cmder) *waiting {
	w, _ := b.places.Get().(*waiting)
	if w == nil {
		w = &waiting{answered: make(chan bool, 1)}
	}
	w.ctx, w.cmd = ctx, cmd
	return w
}

// look answers those who have given up, for as long as anybody waits.
func (b *batches) look() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.looking = len(b.queue)+len(b.underWay) > 0
	if b.looking {
		time.AfterFunc(lookEvery, b.look)
	}
	for _, batch := range append(slices.Clip(b.underWay), b.queue) {
		for _, w := range batch {
			if !w.gone && w.ctx.Err() != nil {
				w.gone = true
				w.answered <- false
			}
		}
	}
}

// proceed goes on with what waits, in a goroutine, as whoever sent the last batch has an answer to give. Once the store is
// closed nobody would wait for that goroutine; what is left then fails at once.
func (b *batches) proceed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	batch := b.next()
	switch {
	case batch == nil:
	case b.closed:
		b.mu.Unlock()
		b.sendAll(batch)
		b.mu.Lock()
	default:
		b.ended.Go(func() { b.sendAll(batch) })
	}
}

func (b *batches) sendAll(batch []*waiting) {
	for batch != nil {
		b.send(batch)
		runtime.Gosched() // those who have their answers now may have more to ask
		b.mu.Lock()
		batch = b.next()
		b.mu.Unlock()
	}
}

// next takes the next batch from the queue; where nothing waits it gives the lane back. The caller holds the lock.
func (b *batches) next() []*waiting {
	if len(b.queue) == 0 {
		b.busy--
		return nil
	}
	batch := b.queue
	if n := len(b.queue); n <= batchSize {
		b.queue = make([]*waiting, 0, n)
	} else {
		batch = b.queue[:batchSize:batchSize]
		b.queue = append(make([]*waiting, 0, n), b.queue[batchSize:]...)
	}
	b.underWay = append(b.underWay, batch)
	b.begun = time.Now()
	return batch
}

// send sends a batch, without the commands of callers who have gone. A panic below it is that of no request, and would end
// the process: it fails the commands that have no answer.
func (b *batches) send(batch []*waiting) {
	defer func() {
		fault := recover()
		for _, w := range b.answerable(batch) {
			if fault != nil && errors.Is(w.cmd.Err(), errUnanswered) {
				w.cmd.SetErr(fmt.Errorf("panic while a batch was sent: %v", fault))
			}
			w.answered <- true // from here on the place is somebody else's
		}
	}()
	ctx := until{context.Background(), time.Now().Add(b.timeout)}
	pipe := b.client.Pipeline()
	for _, w := range batch {
		if err := w.ctx.Err(); err != nil {
			w.cmd.SetErr(err)
			continue
		}
		_ = pipe.Process(ctx, w.cmd) // queues it
	}
	_, _ = pipe.Exec(ctx) // each command holds its error
}

// answerable gives those of a batch who still wait. From then on they are not told any more that they gave up.
func (b *batches) answerable(batch []*waiting) []*waiting {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.underWay = slices.DeleteFunc(b.underWay, func(sent []*waiting) bool { return &sent[0] == &batch[0] })
	return slices.DeleteFunc(batch, func(w *waiting) bool { return w.gone })
}

// close waits for the batches that are under way, which end with the client.
func (b *batches) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.ended.Wait()
}

// isBatchable reports whether a command is short enough to go with others.
func isBatchable(args []any) bool {
	size := 0
	for _, arg := range args {
		switch arg := arg.(type) {
		case string:
			size += len(arg)
		case []byte:
			size += len(arg)
		}
	}
	return size <= batchable
}
