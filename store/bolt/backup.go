package bolt

import (
	"context"
	"fmt"
	"io"

	"go.etcd.io/bbolt"
)

// Backup writes the store as it is at one moment to w, while others read and write. What it writes is a file that Open
// opens. A long backup makes the file grow, since what it copies cannot be reused meanwhile.
func (s *Store) Backup(ctx context.Context, w io.Writer) error {
	return s.view(ctx, "backup", "", func(tx *bbolt.Tx) error {
		if err := s.settled(ctx, tx.ID()); err != nil {
			return err
		}
		if _, err := tx.WriteTo(&stoppable{w, ctx, s}); err != nil {
			return fmt.Errorf("write the copy: %w", err)
		}
		return nil
	})
}

// stoppable ends a copy when its context ends or the store stops.
type stoppable struct {
	w   io.Writer
	ctx context.Context
	s   *Store
}

func (c *stoppable) Write(p []byte) (n int, err error) {
	// A writer that panics must not pass for a damaged file.
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("the writer panicked: %v", panicked)
		}
	}()
	if err := c.s.usable(c.ctx); err != nil {
		return 0, err
	}
	return c.w.Write(p)
}
