package main

import (
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestSummaryTakesTheMiddleAndTheHundredth(t *testing.T) {
	var times []time.Duration
	for i := range 1000 {
		times = append(times, time.Duration(1000-i))
	}
	got := summary(times, 2*time.Second, 5*time.Microsecond)
	if want := (figures{perSecond: 500, p50: 501, p99: 991, processor: 5}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := summary(nil, time.Second, 0); got != (figures{}) {
		t.Errorf("of nothing: %v", got)
	}
}

func TestMedianIsOfEachFigureByItself(t *testing.T) {
	got := median([]figures{{3, 30, 100, 6}, {1, 10, 300, 4}, {2, 20, 200, 5}})
	if want := (figures{2, 20, 200, 5}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := median([]figures{{1, 10, 10, 2}, {2, 20, 20, 4}}); got != (figures{1.5, 15, 15, 3}) {
		t.Errorf("of two: %v", got)
	}
}

func TestFloorAnswersAsLongAsAsked(t *testing.T) {
	f, err := openFloor("", t.TempDir()+"/floor.db")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.bolt.Close() }()
	s := httptest.NewServer(f.routes())
	defer s.Close()
	c, err := dial(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for _, step := range []string{parseStep, signStep, readStep, writeStep} {
		a, err := c.expect(200, post(step, "a=b", sizeHeader+": 321"))
		if err != nil || len(a.body) != 321 {
			t.Errorf("%s: %d bytes, %v", step, len(a.body), err)
		}
	}
	l := &load{connections: 2, duration: 10 * time.Millisecond}
	if _, err := l.measure(context.Background(), endpoint{s.Listener.Addr().String(), os.Getpid()}, floorWork("/nothing", 1, "", "A: b")); err == nil {
		t.Error("an answer that is not the expected one was counted")
	}
}

func TestProcessesHaveEndedAfterStop(t *testing.T) {
	var cmd *exec.Cmd
	func() {
		var started processes
		defer started.stop()
		cmd = exec.Command("sleep", "60")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		started = append(started, cmd)
	}()
	if cmd.ProcessState == nil {
		t.Error("a process was left behind")
		_ = cmd.Process.Kill()
	}
}
