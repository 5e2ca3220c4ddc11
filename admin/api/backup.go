package api

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humamux"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/web"
)

// BackupPath is where the store is read as a whole, below Path.
const BackupPath = "/store/backup"

// backupType is the media type of a backup.
const backupType = "application/vnd.grantor.store"

// backupPatience is how long a reader may take for one piece of a backup.
const backupPatience = 10 * time.Second

// A backup is the file of a store and a seal behind it: the word, the length of the file in 8 bytes, big endian, and its SHA-256.
// A file that opens by itself could have lost its end on the way; without its seal nothing is a backup.
const (
	sealWord = "\nGRANTOR BACKUP\n"
	sealSize = len(sealWord) + 8 + sha256.Size
)

// ErrIncomplete means that a backup has not come as it was sent.
var ErrIncomplete = errors.New("the backup is not whole: it ended too early or was changed on the way")

func (s *service) backupOperations() {
	o := operation{
		method: http.MethodGet, path: BackupPath, id: "backup-store", tag: storeTag,
		summary: "Back up the store", text: "Sends the embedded store as it is at one moment, while the server works on: a file of the database, and behind it a seal of 56 bytes " +
			"(the word “\\nGRANTOR BACKUP\\n”, the length of the file as 8 bytes, its SHA-256), without which it is not whole. `grantor backup` checks it and takes it off. " +
			"There are no tokens, passwords or secrets in it, but their hashes; private keys are sealed, and the master key that opens them is not in it. One backup is sent at a time.",
		problems: []kind{noBackup, backingUp},
	}
	register(s, o, s.backupStore)
	if s.api.OpenAPI().Paths[o.path] != nil {
		s.registered(o).Responses["200"].Content = map[string]*huma.MediaType{backupType: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}
	}
}

type streamed struct{ Body func(huma.Context) }

func (s *service) backupStore(context.Context, *struct{}) (*streamed, error) {
	if s.Backup == nil {
		return nil, noBackup.problem()
	}
	return &streamed{s.streamBackup}, nil
}

func (s *service) streamBackup(h huma.Context) {
	r, w := humamux.Unwrap(h)
	r = r.WithContext(h.Context())
	if !s.copying.TryLock() {
		s.fail(w, r, backingUp.problem())
		return
	}
	defer s.copying.Unlock()
	w.Header().Set("Content-Type", backupType)
	w.Header().Set("Content-Disposition", `attachment; filename="grantor-backup.db"`)
	if _, head := w.(headWriter); head {
		return
	}
	if err := s.Audit.Record(r.Context(), account.Event{Action: "store.backed_up", Object: "store"}); err != nil {
		w.Header().Del("Content-Disposition")
		s.fail(w, r, err)
		return
	}
	if leave, ok := r.Context().Value(laneKey{}).(func()); ok {
		leave() // it may take long, and takes little
	}
	if err := WriteBackup(patient{w}, func(w io.Writer) error { return s.Backup(r.Context(), w) }); err != nil {
		event := web.EventFrom(r.Context())
		event.Error, event.Description, event.Cause = "backup_incomplete", "the backup ended too early", err
		panic(http.ErrAbortHandler)
	}
}

// patient gives each piece of an answer the time that otherwise all of it would have.
type patient struct{ http.ResponseWriter }

func (p patient) Write(b []byte) (int, error) {
	// A writer that knows no deadlines has none.
	_ = http.NewResponseController(p.ResponseWriter).SetWriteDeadline(time.Now().Add(backupPatience))
	return p.ResponseWriter.Write(b)
}

type laneKey struct{}

// besideLane serves backups, which take their turn in the lane until it is clear that one may be sent, and other requests by next.
func (s *service) besideLane(alone, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != s.base+Path+BackupPath {
			next.ServeHTTP(w, r)
			return
		}
		if err := s.Lane.Enter(r.Context()); err != nil {
			s.fail(w, r, err)
			return
		}
		leave := sync.OnceFunc(s.Lane.Leave)
		defer leave()
		alone.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), laneKey{}, leave)))
	})
}

// WriteBackup writes what write gives, and its seal.
func WriteBackup(w io.Writer, write func(io.Writer) error) error {
	whole := bufio.NewWriterSize(w, 64<<10) // what a reader takes in backupPatience at least
	sum := &summing{w: whole, hash: sha256.New()}
	if err := write(sum); err != nil {
		return err
	}
	if _, err := whole.Write(sum.seal()); err != nil {
		return fmt.Errorf("write the seal: %w", err)
	}
	return whole.Flush()
}

// ReadBackup reads what WriteBackup wrote, and takes the seal off. What it has written is worth nothing where it fails:
// ErrIncomplete.
func ReadBackup(r io.Reader, w io.Writer) error {
	sum := &summing{w: w, hash: sha256.New()}
	chunk := make([]byte, 0, 256<<10)
	for {
		n, err := io.ReadFull(r, chunk[len(chunk):cap(chunk)])
		chunk = chunk[:len(chunk)+n]
		ends := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !ends {
			return err
		}
		keep := min(sealSize, len(chunk)) // they may be the seal
		if _, err := sum.Write(chunk[:len(chunk)-keep]); err != nil {
			return err
		}
		chunk = chunk[:copy(chunk, chunk[len(chunk)-keep:])]
		if ends {
			break
		}
	}
	if !bytes.Equal(chunk, sum.seal()) {
		return ErrIncomplete
	}
	return nil
}

// summing counts what is written.
type summing struct {
	w    io.Writer
	hash hash.Hash
	size uint64
}

func (s *summing) Write(b []byte) (int, error) {
	n, err := s.w.Write(b)
	_, _ = s.hash.Write(b[:n]) // never fails
	s.size += uint64(n)
	return n, err
}

func (s *summing) seal() []byte {
	return s.hash.Sum(binary.BigEndian.AppendUint64([]byte(sealWord), s.size))
}
