package account_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/memory"
)

const goodPassword = "correct horse battery staple"

// clock is a time that tests move.
type clock struct{ ns atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ns.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) Now() time.Time { return time.Unix(0, c.ns.Load()) }

func (c *clock) Move(d time.Duration) { c.ns.Add(int64(d)) }

// world is one installation: a store, a clock, and any number of nodes.
type world struct {
	*clock
	store  *memory.Store
	hasher account.HasherConfig
}

func newWorld() *world {
	w := &world{clock: newClock(), store: memory.New(), hasher: cheap}
	w.store.Now = w.Now
	return w
}

var cheap = account.HasherConfig{MemoryKiB: 8, Time: 1, Parallelism: 1, Queue: 1000}

func (w *world) node() *account.Directory { return w.over(w.store) }

func (w *world) over(b store.Backend) *account.Directory {
	return account.NewDirectory(account.Config{
		Backend: b,
		Now:     w.Now,
		Hasher:  account.NewHasher(w.hasher),
		Secret: func(purpose string) [32]byte {
			var key [32]byte
			copy(key[:], purpose)
			return key
		},
	})
}

func newDirectory(t *testing.T) (*world, *account.Directory) {
	t.Helper()
	w := newWorld()
	return w, w.node()
}

func create(t *testing.T, d *account.Directory, n account.NewUser) *account.User {
	t.Helper()
	if n.Password == "" {
		n.Password = goodPassword
	}
	u, err := d.CreateUser(context.Background(), n)
	if err != nil {
		t.Fatalf("create %q: %v", n.Username, err)
	}
	return u
}

func login(d *account.Directory, username, password string) error {
	_, err := d.Login(context.Background(), account.Attempt{Username: username, Password: password})
	return err
}

func wantErr(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("error is %v, want %v", got, want)
	}
}

func wantField(t *testing.T, err error, field string) {
	t.Helper()
	var f *account.FieldErrors
	if !errors.As(err, &f) || len(f.Fields) == 0 || f.Fields[0].Field != field {
		t.Fatalf("error is %v, want a fault of %s", err, field)
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// poll waits until something is true, for long enough on a slow machine.
func poll(t *testing.T, reached func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !reached(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come about")
		}
	}
}

// watched records the verbs that are used on a store, and can make some fail.
type watched struct {
	store.Backend
	mu    sync.Mutex
	calls []string
	fail  func(verb, kind string) error
}

func (b *watched) note(verb string, kind store.Kind) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = append(b.calls, verb+" "+kind.Name)
	if b.fail == nil {
		return nil
	}
	return b.fail(verb, kind.Name)
}

// took gives the verbs used since the last call.
func (b *watched) took() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	calls := strings.Join(b.calls, "\n")
	b.calls = nil
	return calls
}

func (b *watched) Get(ctx context.Context, k store.Kind, id string) (store.Record, error) {
	if err := b.note("get", k); err != nil {
		return store.Record{}, err
	}
	return b.Backend.Get(ctx, k, id)
}

func (b *watched) Create(ctx context.Context, r store.Record) (uint64, error) {
	if err := b.note("create", r.Kind); err != nil {
		return 0, err
	}
	return b.Backend.Create(ctx, r)
}

func (b *watched) Swap(ctx context.Context, old, next store.Record) (uint64, error) {
	if err := b.note("swap", old.Kind); err != nil {
		return 0, err
	}
	return b.Backend.Swap(ctx, old, next)
}

func (b *watched) Take(ctx context.Context, k store.Kind, id string) (store.Record, error) {
	if err := b.note("take", k); err != nil {
		return store.Record{}, err
	}
	return b.Backend.Take(ctx, k, id)
}

func (b *watched) List(ctx context.Context, k store.Kind, tag, cursor string, limit int) ([]store.Record, string, error) {
	if err := b.note("list", k); err != nil {
		return nil, "", err
	}
	return b.Backend.List(ctx, k, tag, cursor, limit)
}

func (b *watched) Add(ctx context.Context, k store.Kind, id string, n int64, ttl time.Duration) (int64, error) {
	if err := b.note("add", k); err != nil {
		return 0, err
	}
	return b.Backend.Add(ctx, k, id, n, ttl)
}

var errAway = &store.UnavailableError{Op: "test", Err: errors.New("away")}

// parallel runs n at once and gives their errors.
func parallel(n int, do func(i int) error) []error {
	errs := make([]error, n)
	begin := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-begin
			errs[i] = do(i)
		})
	}
	close(begin)
	wg.Wait()
	return errs
}

func successes(errs []error) int {
	n := 0
	for _, err := range errs {
		if err == nil {
			n++
		}
	}
	return n
}
