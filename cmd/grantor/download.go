package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/grantor-dev/grantor/admin/api"
)

// stalled is how long a server may send nothing of a download.
const stalled = time.Minute

// backup has the server send its store, and writes it to a file. Unless it fails the file is whole.
func (r *remote) backup(ctx context.Context, to *os.File) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	answer, err := r.open(ctx, api.BackupPath)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	watched := &watchedReader{answer.Body, time.AfterFunc(stalled, func() {
		cancel(fmt.Errorf("%s sent nothing for %s", r.place, stalled))
	})}
	defer watched.timer.Stop()
	err = api.ReadBackup(watched, to)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	if errors.Is(err, api.ErrIncomplete) {
		return err
	}
	if err != nil {
		return fmt.Errorf("the backup did not come to its end: %w", err)
	}
	return nil
}

// open asks for something that is longer than an answer may be otherwise. The caller closes its body.
func (r *remote) open(ctx context.Context, path string) (*http.Response, error) {
	token, err := r.currentToken(ctx)
	if err != nil {
		return nil, err
	}
	answer, err := r.ask(ctx, path, token)
	if err == nil && answer.StatusCode == http.StatusUnauthorized && r.bearer != nil {
		_ = answer.Body.Close() // another answer is asked for
		if token, err = r.bearer.renewed(ctx, token); err != nil {
			return nil, err
		}
		answer, err = r.ask(ctx, path, token)
	}
	if err != nil {
		return nil, err
	}
	if answer.StatusCode == http.StatusOK {
		return answer, nil
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return nil, r.unreachable(ctx, err)
	}
	if err := r.understand(answer, content, nil); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("%s does not answer as a Grantor does: see that the address is right", r.place)
}

func (r *remote) ask(ctx context.Context, path, token string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base+path, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	request.Header.Set("User-Agent", "grantor/"+version)
	request.Header.Set("Accept-Encoding", "identity")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	client := *r.client
	client.Timeout = 0 // a large store takes its time
	answer, err := client.Do(request)
	if err != nil {
		return nil, r.unreachable(ctx, err)
	}
	return answer, nil
}

// watchedReader puts the alarm off with everything that comes.
type watchedReader struct {
	io.Reader
	timer *time.Timer
}

func (w *watchedReader) Read(b []byte) (int, error) {
	n, err := w.Reader.Read(b)
	if n > 0 {
		w.timer.Reset(stalled)
	}
	return n, err
}
