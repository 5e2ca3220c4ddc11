package server

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/grantor-dev/grantor/internal/object"
	"github.com/grantor-dev/grantor/oauth"
)

// healthy says that the process answers. It asks nobody else: a store that is away is no reason to restart us.
func (s *server) healthy(w http.ResponseWriter, _ *http.Request) error {
	s.writeObject(w, http.StatusOK, func(o *object.Writer) { o.Text("status", "alive") })
	return nil
}

// readyTimeout bounds how long the store may take to say that it is there.
const readyTimeout = 2 * time.Second

// question is put to the store once for all who ask at the same time: health is not limited, and a store that hangs must not
// be asked without end.
type question struct {
	mu      sync.Mutex
	running *reply // nil: nobody asks
}

type reply struct {
	done chan struct{}
	err  error
}

func (q *question) ask(ctx context.Context, ping func(context.Context) error) error {
	q.mu.Lock()
	if a := q.running; a != nil {
		q.mu.Unlock()
		select {
		case <-a.done:
			return a.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	a := &reply{done: make(chan struct{}), err: errors.New("the store was not asked to the end")}
	q.running = a
	q.mu.Unlock()
	defer func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.running = nil
		close(a.done)
	}()
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout) // others wait for it, too
	defer cancel()
	a.err = ping(whole)
	return a.err
}

// ready says that requests can be answered: the keys are loaded and the store is reached.
func (s *server) ready(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	if err := s.asking.ask(ctx, s.Ping); err != nil {
		return &oauth.Error{Code: oauth.TemporarilyUnavailable, Description: "the store does not answer", RetryAfter: storeRetry, Cause: err}
	}
	if !s.Provider.Ready() {
		return &oauth.Error{Code: oauth.TemporarilyUnavailable, Description: "the keys are not loaded", RetryAfter: storeRetry}
	}
	s.writeObject(w, http.StatusOK, func(o *object.Writer) { o.Text("status", "ready") })
	return nil
}
