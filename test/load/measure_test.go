package main

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"
)

func TestSummaryTakesTheMiddleAndTheHundredth(t *testing.T) {
	var times []time.Duration
	for i := range 1000 {
		times = append(times, time.Duration(1000-i))
	}
	got := summary(times, 2*time.Second)
	if want := (figures{perSecond: 500, p50: 501, p99: 991}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := summary(nil, time.Second); got != (figures{}) {
		t.Errorf("of nothing: %v", got)
	}
}

func TestMedianIsOfEachFigureByItself(t *testing.T) {
	got := median([]figures{{3, 30, 100}, {1, 10, 300}, {2, 20, 200}})
	if want := (figures{2, 20, 200}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := median([]figures{{1, 10, 10}, {2, 20, 20}}); got != (figures{1.5, 15, 15}) {
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
	if _, err := l.measure(context.Background(), s.Listener.Addr().String(), floorWork("/nothing", 1, "", "A: b")); err == nil {
		t.Error("an answer that is not the expected one was counted")
	}
}
