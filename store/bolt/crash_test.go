package bolt

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/grantor-dev/grantor/store"
)

// The test binary starts itself as another process that writes and tells what was acknowledged.
var (
	childPath    = flag.String("child", "", "as a child: the store to write to")
	childWriters = flag.Int("child-writers", 16, "as a child: how many write")
	childWrites  = flag.Int("child-writes", 1<<30, "as a child: how often each writes")
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *childPath == "" {
		os.Exit(m.Run())
	}
	if err := child(*childPath, *childWriters, *childWrites); err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

func childCommand(t *testing.T, path string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exec.CommandContext(t.Context(), self, append([]string{"-child", path}, args...)...)
}

// child prints one line, by one write, for each acknowledged thing: "created ID", "taken ID", "count N". What it is about
// to take it tells before.
func child(path string, writers, writes int) error {
	s, err := Open(path, Options{})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	var wg sync.WaitGroup
	errs := make([]error, writers)
	for w := range writers {
		wg.Go(func() {
			for i := 0; i < writes && errs[w] == nil; i++ {
				errs[w] = childWrite(s, i)
			}
		})
	}
	wg.Wait()
	return errors.Join(append(errs, s.Close())...)
}

func childWrite(s *Store, i int) error {
	ctx, r := context.Background(), thing(i)
	if _, err := s.Create(ctx, r); err != nil {
		return err
	}
	fmt.Println("created", r.ID)
	if i%3 == 1 {
		fmt.Println("taking", r.ID)
		if _, err := s.Take(ctx, kind, r.ID); err != nil {
			return err
		}
		fmt.Println("taken", r.ID)
	}
	if i%5 == 1 {
		n, err := s.Add(ctx, kind, "all", 1, 0)
		if err != nil {
			return err
		}
		fmt.Println("count", n)
	}
	return nil
}

// told is what children have told.
type told struct {
	state map[string]string // id -> the last word about it
	count int64
}

func (a *told) hear(line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "ready":
	case "created", "taking", "taken":
		a.state[rest] = verb
	case "count":
		n, err := strconv.ParseInt(rest, 10, 64)
		a.count = max(a.count, n)
		return err
	default:
		return errors.New(line)
	}
	return nil
}

// TestKilledAtRandomItLosesNothing kills a process that writes by sixteen, again and again. Its lock dies with it.
func TestKilledAtRandomItLosesNothing(t *testing.T) {
	path := fresh(t)
	heard := told{state: map[string]string{}}
	for range 6 {
		writeAndKill(t, path, &heard, 50+rand.IntN(3000))
		s, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for id, state := range heard.state {
			_, err := s.Get(t.Context(), kind, id)
			if state == "created" && err != nil || state == "taken" && !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s was %s: %v", id, state, err)
			}
		}
		if n, err := s.Add(t.Context(), kind, "all", 0, 0); err != nil || n < heard.count {
			t.Errorf("counter is %d, it was %d: %v", n, heard.count, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(heard.state) < 100 {
		t.Fatalf("only %d things were tried", len(heard.state))
	}
}

func writeAndKill(t *testing.T, path string, heard *told, after int) {
	t.Helper()
	c := childCommand(t, path)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		if err := heard.hear(lines.Text()); err != nil {
			t.Errorf("child: %v", err)
		}
		if n == after {
			if err := c.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	_ = c.Wait() // it was killed
}

func TestASecondProcessIsRefused(t *testing.T) {
	path := fresh(t)
	s := open(t, path, Options{})
	out, err := childCommand(t, path, "-child-writes", "1").Output()
	if err == nil || !strings.Contains(string(out), "another grantor process has "+path+" open") {
		t.Fatalf("the second process: %v, %s", err, out)
	}
	if _, err := Open(path, Options{ReadOnly: true}); !errors.Is(err, ErrLocked) {
		t.Fatalf("a reader beside it: %v", err)
	}
	if _, err := s.Create(t.Context(), thing(1)); err != nil {
		t.Fatalf("the first process: %v", err)
	}
}

func TestTheDiskHasItBeforeTheAnswer(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil && runtime.GOOS == "linux" && os.Getenv("GRANTOR_TEST_REQUIRE") != "" {
		t.Fatal("strace is not installed, and GRANTOR_TEST_REQUIRE wants it")
	}
	if err != nil {
		t.Skip("strace is not installed")
	}
	c := childCommand(t, fresh(t), "-child-writers", "1", "-child-writes", "20")
	trace := t.TempDir() + "/trace"
	c.Args = append([]string{strace, "-f", "-qq", "-e", "trace=pwrite64,fdatasync,write", "-o", trace}, c.Args...)
	c.Path = strace
	if out, err := c.Output(); err != nil {
		t.Skipf("strace does not work here: %v, %s", err, out)
	}
	f, err := os.Open(trace)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if n := syncedAnswers(t, f); n < 30 {
		t.Errorf("%d answers seen", n)
	}
}

// syncedAnswers checks that between an answer and the one before it lie a write and two syncs, the last of which is behind
// the last write.
func syncedAnswers(t *testing.T, trace io.Reader) (answers int) {
	t.Helper()
	syncs, dirty := 0, true
	for lines := bufio.NewScanner(trace); lines.Scan(); {
		line := lines.Text()
		switch {
		case strings.Contains(line, "pwrite64("):
			dirty = true
		case strings.Contains(line, "fdatasync") && strings.HasSuffix(line, "= 0"):
			syncs++
			dirty = false
		case strings.Contains(line, `write(1, "created`), strings.Contains(line, `write(1, "taken`), strings.Contains(line, `write(1, "count`):
			if answers++; dirty || syncs < 2 {
				t.Errorf("answered after %d syncs, unsynced writes %v: %s", syncs, dirty, line)
			}
			syncs = 0
		}
	}
	return answers
}
