package main

import (
	"context"
	"io"

	"github.com/grantor-dev/grantor/store/bolt"
)

// hotBackup gives what writes the file of the embedded store while the server works on it; nil where there is no file.
func (p *program) hotBackup() func(context.Context, io.Writer) error {
	s, embedded := p.store.(*bolt.Store)
	if !embedded {
		return nil
	}
	return func(ctx context.Context, w io.Writer) error { return s.Backup(ctx, &untilDraining{w, p}) }
}

// untilDraining ends a backup when the server stops, which would otherwise wait for it.
type untilDraining struct {
	w io.Writer
	p *program
}

func (u *untilDraining) Write(b []byte) (int, error) {
	if u.p.draining.Load() {
		return 0, errDraining
	}
	return u.w.Write(b)
}
