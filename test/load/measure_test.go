package main

import (
	"context"
	"crypto/sha256"
	"encoding/xml"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
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
	if err := f.keep(3); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("secret"))
	f.secret = sum[:]
	s := httptest.NewServer(f.routes())
	defer s.Close()
	c, err := dial(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for _, step := range []string{parseStep, signStep, signEdStep, readStep, turnStep, writeStep, tripsStep + "?rrw"} {
		a, err := c.expect(200, post(step, "a=b", authorization("client", "secret"), sizeHeader+": 321"))
		if err != nil || len(a.body) != 321 {
			t.Errorf("%s: %d bytes, %v", step, len(a.body), err)
		}
		if _, err := c.expect(401, post(step, "a=b", authorization("client", "guess"), sizeHeader+": 321")); err != nil {
			t.Errorf("%s with a wrong secret: %v", step, err)
		}
	}
	if a, err := c.expect(200, get(staticStep, sizeHeader+": 321")); err != nil || len(a.body) != 321 {
		t.Errorf("%s: %d bytes, %v", staticStep, len(a.body), err)
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
		started.all = append(started.all, cmd)
	}()
	if cmd.ProcessState == nil {
		t.Error("a process was left behind")
		_ = cmd.Process.Kill()
	}
}

func TestPlotIsWellFormed(t *testing.T) {
	p := plot{title: "a < b", x: "x", y: "y", lines: []series{{name: "server"}, {name: "floor & more", dashed: true}}}
	for i := range p.lines {
		for n := 1; n <= 256; n *= 2 {
			p.lines[i].add(n, float64(n*(i+1)))
		}
	}
	var text strings.Builder
	p.draw(&text)
	paths := 0
	for d := xml.NewDecoder(strings.NewReader(text.String())); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, text.String())
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "path" {
			paths++
		}
	}
	if paths < 8 || strings.Contains(text.String(), "NaN") || strings.Contains(text.String(), "Inf") {
		t.Errorf("%d paths in\n%s", paths, text.String())
	}
}

func TestARatioIsOfOneRound(t *testing.T) {
	r := row{
		server: []figures{{perSecond: 9}, {perSecond: 40}, {perSecond: 80}},
		floor:  []figures{{perSecond: 10}, {perSecond: 50}, {perSecond: 100}},
	}
	if got := r.ratio(func(f figures) float64 { return f.perSecond }); got != 0.8 {
		t.Errorf("got %v", got)
	}
}
