package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/grantor-dev/grantor/internal/redistest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"grantor": mainAhead})
}

// mainAhead is main, by a clock that CLOCK_AHEAD moves. Tests of the whole program have this program of tests serve as a
// node with another time: the one that is released goes by the clock of its machine.
func mainAhead() {
	ahead, err := time.ParseDuration(cmp.Or(os.Getenv("CLOCK_AHEAD"), "0s"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "CLOCK_AHEAD:", err)
		os.Exit(2)
	}
	if ahead == 0 {
		main()
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	c := &command{environ: os.Environ(), in: os.Stdin, out: os.Stdout, err: os.Stderr, now: func() time.Time { return time.Now().Add(ahead) }}
	if err := c.run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "grantor:", err)
		os.Exit(exitStatus(err))
	}
}

// TestCommands runs the scripts of testdata, each in an empty folder and on the embedded store.
func TestCommands(t *testing.T) { runScripts(t, "testdata", nil) }

// TestCommandsOnRedis runs scripts on a Redis that GRANTOR_STORE names.
func TestCommandsOnRedis(t *testing.T) {
	url := redistest.Start(t)
	runScripts(t, "testdata/redis", func(e *testscript.Env) { e.Setenv("GRANTOR_STORE", url) })
}

// TestCommandsAtAServer runs scripts whose commands work at a server that they start.
func TestCommandsAtAServer(t *testing.T) { runScripts(t, "testdata/server", nil) }

func runScripts(t *testing.T, dir string, prepare func(*testscript.Env)) {
	testscript.Run(t, testscript.Params{
		Dir: dir,
		Setup: func(e *testscript.Env) error {
			for name, value := range map[string]string{
				"GRANTOR_PASSWORD_MEMORY": "64", "GRANTOR_PASSWORD_TIME": "1", // these scripts are about the commands
				"GORACE": "atexit_sleep_ms=0", // the race detector would otherwise rest a second at the end of each command
				"HOME":   e.WorkDir, "XDG_CONFIG_HOME": e.WorkDir + "/.config", "USER": "operator", "ESC": "\x1b", "PORT": strconv.Itoa(redistest.FreePort(t)),
			} {
				e.Setenv(name, value)
			}
			if prepare != nil {
				prepare(e)
			}
			return nil
		},
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"status": status, "save": save, "await": await},
		RequireExplicitExec: true,
	})
}

// status is `status 2 grantor ...`: it runs a program that must end with that exit status.
func status(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: status NUMBER PROGRAM ARGUMENTS")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("%v: exit status %d, want %s", args[1:], got, args[0])
	}
}

// save is `save NAME PATTERN`: it puts what the group of the pattern finds in the last output into a variable.
func save(ts *testscript.TestScript, _ bool, args []string) {
	found := regexp.MustCompile("(?m)" + args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) < 2 {
		ts.Fatalf("the output does not match %s", args[1])
	}
	ts.Setenv(args[0], found[1])
}

// await is `await URL`: it waits until a server answers there with success.
func await(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		answer, err := http.Get(args[0])
		if err != nil {
			continue
		}
		_ = answer.Body.Close() // only the status is of interest
		if answer.StatusCode == http.StatusOK {
			return
		}
	}
	ts.Fatalf("%s does not answer", args[0])
}
