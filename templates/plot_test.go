package templates

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func plotOf(counts ...[]int64) Plot {
	p := Plot{ID: "p", Title: "Tokens", From: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), Step: time.Hour}
	for i, c := range counts {
		p.Series = append(p.Series, PlotSeries{fmt.Sprintf("series %d", i), c})
	}
	return p
}

func TestGridHasRoundNumbersAndHoldsThePeak(t *testing.T) {
	for peak, want := range map[int64]string{
		0: "0 1", 1: "0 1", 3: "0 1 2 3", 4: "0 1 2 3 4", 5: "0 2 4 6", 9: "0 5 10", 100: "0 50 100", 101: "0 50 100 150", 1200: "0 500 1k 1.5k",
		8_000_000: "0 2M 4M 6M 8M", 4_000_000_000_000: "0 1000G 2000G 3000G 4000G",
	} {
		p := plotOf([]int64{peak})
		var got []string
		for _, line := range p.Grid() {
			got = append(got, line.Text)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%d: %v", peak, got)
		}
		if p.y(peak) < plotTop || p.y(0) != plotFloor {
			t.Errorf("%d lies outside", peak)
		}
	}
}

func TestBarsStandOnEachOther(t *testing.T) {
	p := plotOf([]int64{4, 0}, []int64{2, 1})
	bars := p.Bars()
	if len(bars) != 3 {
		t.Fatalf("%d pieces", len(bars))
	}
	if bars[0].Number != 1 || bars[1].Number != 2 || bars[0].X != bars[1].X || bars[2].X != "56.000%" {
		t.Errorf("%+v", bars)
	}
	// A grid of 2, 4 and 6: four of six, and two above them up to the top.
	if bars[0].Y != "70.7" || bars[0].Height != "117.3" || bars[1].Y != "12.0" || bars[1].Height != "58.7" {
		t.Errorf("%+v", bars[:2])
	}
}

func TestLinesLeadFromStepToStep(t *testing.T) {
	p := plotOf([]int64{1, 2, 1})
	p.Kind = Lines
	if lines := p.Lines(); len(lines) != 2 || lines[0].X2 != lines[1].X1 || lines[0].Y2 != lines[1].Y1 || len(p.Bars()) != 0 {
		t.Errorf("%+v", lines)
	}
}

func TestPlotMergesWhatCannotBeToldApart(t *testing.T) {
	p := plotOf([]int64{1}, []int64{20}, []int64{30}, []int64{40}, []int64{50}, []int64{60}, []int64{2, 3}, []int64{0})
	shown := p.Shown()
	if len(shown) != 6 || shown[0].Total() != 60 || shown[5].Name != "other" || shown[5].Total() != 6 || p.Total() != 206 {
		t.Errorf("%+v", shown)
	}
	if columns := p.Columns(); len(columns) != 2 || columns[1].Total != 3 || columns[0].Counts[5] != 3 {
		t.Errorf("%+v", columns)
	}
}

func TestPlotSurvivesOddNumbers(t *testing.T) {
	for _, p := range []Plot{{}, plotOf(nil), plotOf([]int64{-5, 0}), {Step: time.Hour, Kind: Lines}, plotOf([]int64{1}, []int64{1, 2, 3})} {
		p.Bars()
		p.Lines()
		p.Grid()
		p.Labels()
		p.Columns()
	}
	if !plotOf([]int64{0, 0}).Empty() || plotOf([]int64{0, 1}).Empty() {
		t.Error("empty and full are taken for each other")
	}
}

func TestLabelsAreFewAndRound(t *testing.T) {
	for _, c := range []struct {
		step  time.Duration
		steps int
		want  string
	}{
		{time.Minute, 60, "00:00 00:10 00:20 00:30 00:40 00:50"},
		{time.Hour, 24, "00:00 03:00 06:00 09:00 12:00 15:00 18:00 21:00"},
		{time.Hour, 168, "22 Nov 23 Nov 24 Nov 25 Nov 26 Nov 27 Nov 28 Nov"},
	} {
		p := plotOf(make([]int64, c.steps))
		p.Step = c.step
		var got []string
		for _, l := range p.Labels() {
			got = append(got, l.Text)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%d steps of %s: %v", c.steps, c.step, got)
		}
	}
}
