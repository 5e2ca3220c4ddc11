package server

import (
	"context"
	"net/http"
	"time"

	"github.com/grantor-dev/grantor/internal/object"
	"github.com/grantor-dev/grantor/oauth"
)

// healthy says that the process answers. It asks nobody else: a store that is away is no reason to restart us.
func (s *server) healthy(w http.ResponseWriter, _ *http.Request) error {
	writeObject(w, http.StatusOK, func(o *object.Writer) { o.Text("status", "alive") })
	return nil
}

// readyTimeout bounds how long the store may take to say that it is there.
const readyTimeout = 2 * time.Second

// ready says that requests can be answered: the keys are loaded and the store is reached.
func (s *server) ready(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	if err := s.Ping(ctx); err != nil {
		return &oauth.Error{Code: oauth.TemporarilyUnavailable, Description: "the store does not answer", RetryAfter: storeRetry, Cause: err}
	}
	if !s.Provider.Ready() {
		return &oauth.Error{Code: oauth.TemporarilyUnavailable, Description: "the keys are not loaded", RetryAfter: storeRetry}
	}
	writeObject(w, http.StatusOK, func(o *object.Writer) { o.Text("status", "ready") })
	return nil
}
