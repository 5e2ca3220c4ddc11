package templates

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Plot shows counts over time as a picture drawn here, with the same numbers as a table beneath it; {{template "plot" .}}.
//
// Positions from left to right are percentages and those from top to bottom pixels: so the picture follows the width of
// the page while its letters keep their size, and no style is needed.
type Plot struct {
	ID     string // unique on the page
	Title  string
	Text   string // one sentence: what is counted, over which time
	Noun   string // what is counted: "tokens"
	From   time.Time
	Step   time.Duration
	Kind   PlotKind
	Series []PlotSeries
}

// PlotKind says how a plot is drawn.
type PlotKind string

// The kinds of plots.
const (
	Bars  PlotKind = ""      // one above the other
	Lines PlotKind = "lines" // each by itself
)

// PlotSeries is one kind of what is counted; Counts[i] is what happened in the step that begins at From + i*Step.
type PlotSeries struct {
	Name   string
	Counts []int64
}

// Total is the sum of the counts.
func (s PlotSeries) Total() int64 {
	var sum int64
	for _, n := range s.Counts {
		sum += n
	}
	return sum
}

// The picture, in pixels from its top, and how many series can be told apart.
const (
	plotTop    = 12
	plotFloor  = 188
	plotHeight = 216
	plotSeries = 6
)

// Top, Floor and Height are where the picture begins, where nothing is counted, and where the labels end.
func (p Plot) Top() int { return plotTop }

// Floor is the line of zero.
func (p Plot) Floor() int { return plotFloor }

// Height is the height of the whole picture.
func (p Plot) Height() int { return plotHeight }

// NamedSeries is a series with the class and the number of its looks.
type NamedSeries struct {
	PlotSeries
	Number int // from 1
}

// Shown are the series as they are drawn: those without a count are left out, and the smallest become one when there are
// more than can be told apart.
func (p Plot) Shown() []NamedSeries {
	kept := slices.DeleteFunc(slices.Clone(p.Series), func(s PlotSeries) bool { return s.Total() == 0 })
	slices.SortStableFunc(kept, func(a, b PlotSeries) int { return int(b.Total() - a.Total()) })
	if len(kept) > plotSeries {
		rest := PlotSeries{Name: "other", Counts: make([]int64, p.steps())}
		for _, s := range kept[plotSeries-1:] {
			for i, n := range s.Counts {
				rest.Counts[i] += n
			}
		}
		kept = append(kept[:plotSeries-1:plotSeries-1], rest)
	}
	shown := make([]NamedSeries, len(kept))
	for i, s := range kept {
		shown[i] = NamedSeries{s, i + 1}
	}
	return shown
}

// Empty reports whether there is nothing to draw.
func (p Plot) Empty() bool { return len(p.Shown()) == 0 }

// Total is everything that the plot counts.
func (p Plot) Total() int64 {
	var sum int64
	for _, s := range p.Series {
		sum += s.Total()
	}
	return sum
}

func (p Plot) steps() int {
	n := 0
	for _, s := range p.Series {
		n = max(n, len(s.Counts))
	}
	return n
}

func (s PlotSeries) at(i int) int64 {
	if i < len(s.Counts) {
		return max(s.Counts[i], 0)
	}
	return 0
}

// peak is the highest that is drawn.
func (p Plot) peak() int64 {
	var peak int64
	for i := range p.steps() {
		var sum int64
		for _, s := range p.Series {
			if p.Kind == Lines {
				peak = max(peak, s.at(i))
			}
			sum += s.at(i)
		}
		if p.Kind == Bars {
			peak = max(peak, sum)
		}
	}
	return peak
}

// interval is how far the lines of the grid are apart: 1, 2 or 5 times a power of ten, with four lines at most.
func (p Plot) interval() int64 {
	peak := max(p.peak(), 1)
	for power := int64(1); ; power *= 10 {
		for _, n := range []int64{1, 2, 5} {
			if n*power*4 >= peak {
				return n * power
			}
		}
	}
}

// ceiling is the value of the topmost line.
func (p Plot) ceiling() int64 {
	step := p.interval()
	return (max(p.peak(), 1) + step - 1) / step * step
}

// y is where a value lies.
func (p Plot) y(value int64) float64 {
	return plotFloor - float64(value)*(plotFloor-plotTop)/float64(p.ceiling())
}

// plotFill names how the pieces of a series are filled.
type plotFill struct {
	ID     string
	Number int
}

func newFill(id string, number int) plotFill { return plotFill{id, number} }

// GridLine is a horizontal line and its label.
type GridLine struct{ Y, Text string }

// Grid are the lines from zero upward.
func (p Plot) Grid() []GridLine {
	var lines []GridLine
	for value := int64(0); value <= p.ceiling(); value += p.interval() {
		lines = append(lines, GridLine{pixels(p.y(value)), short(value)})
	}
	return lines
}

// PlotBar is a piece of a bar.
type PlotBar struct {
	X, Width, Y, Height string
	Number              int
}

// Bars are the pieces from the floor upward, step after step.
func (p Plot) Bars() []PlotBar {
	if p.Kind != Bars {
		return nil
	}
	var bars []PlotBar
	width := 100 / float64(max(p.steps(), 1))
	shown := p.Shown()
	for i := range p.steps() {
		var below int64
		for _, s := range shown {
			n := s.at(i)
			if n == 0 {
				continue
			}
			top, bottom := p.y(below+n), p.y(below)
			bars = append(bars, PlotBar{percent(width*float64(i) + width*0.12), percent(width * 0.76), pixels(top), pixels(max(bottom-top, 1)), s.Number})
			below += n
		}
	}
	return bars
}

// PlotLine is a piece of a line.
type PlotLine struct {
	X1, Y1, X2, Y2 string
	Number         int
}

// Lines are the pieces of every line, from left to right.
func (p Plot) Lines() []PlotLine {
	if p.Kind != Lines {
		return nil
	}
	var lines []PlotLine
	for _, s := range p.Shown() {
		for i := 1; i < p.steps(); i++ {
			lines = append(lines, PlotLine{p.middle(i - 1), pixels(p.y(s.at(i - 1))), p.middle(i), pixels(p.y(s.at(i))), s.Number})
		}
	}
	return lines
}

// PlotColumn is all that was counted in one step: a row of the table, and what shows when somebody points at the picture.
type PlotColumn struct {
	X, Width string
	At       time.Time
	Counts   []int64
	Tip      string
	Total    int64
}

// Columns are the steps in which something was counted.
func (p Plot) Columns() []PlotColumn {
	var columns []PlotColumn
	shown := p.Shown()
	width := 100 / float64(max(p.steps(), 1))
	for i := range p.steps() {
		c := PlotColumn{X: percent(width * float64(i)), Width: percent(width), At: p.From.Add(time.Duration(i) * p.Step)}
		var parts []string
		for _, s := range shown {
			n := s.at(i)
			c.Counts = append(c.Counts, n)
			c.Total += n
			if n > 0 {
				parts = append(parts, s.Name+": "+grouped(n))
			}
		}
		c.Tip = c.At.UTC().Format("2006-01-02 15:04 UTC") + "\n" + strings.Join(parts, "\n")
		if c.Total > 0 {
			columns = append(columns, c)
		}
	}
	return columns
}

// PlotLabel stands below the picture.
type PlotLabel struct {
	X, Text, Anchor string
	Minor           bool // left out where there is little room
}

// Labels name the times of some steps: round ones, eight at most.
func (p Plot) Labels() []PlotLabel {
	steps := p.steps()
	if p.Step <= 0 || steps == 0 {
		return nil
	}
	const day = 24 * time.Hour
	every, span := p.Step, time.Duration(steps)*p.Step
	for _, d := range []time.Duration{
		time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour,
		3 * time.Hour, 4 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 2 * day, 7 * day, 30 * day, 365 * day,
	} {
		every = max(d, p.Step)
		if span/every <= 8 {
			break
		}
	}
	form := "15:04"
	if span > 2*day {
		form = "2 Jan"
	}
	var labels []PlotLabel
	for i := range steps {
		at := p.From.Add(time.Duration(i) * p.Step).UTC()
		if !at.Truncate(every).Equal(at) {
			continue
		}
		l := PlotLabel{X: p.middle(i), Text: at.Format(form), Anchor: "middle", Minor: len(labels)%2 == 1}
		switch share := (float64(i) + 0.5) / float64(steps); {
		case share < 0.04:
			l.X, l.Anchor = "0%", "start"
		case share > 0.96:
			l.X, l.Anchor = "100%", "end"
		}
		labels = append(labels, l)
	}
	return labels
}

func (p Plot) middle(i int) string {
	return percent(100 * (float64(i) + 0.5) / float64(max(p.steps(), 1)))
}

func percent(n float64) string { return strconv.FormatFloat(n, 'f', 3, 64) + "%" }
func pixels(n float64) string  { return strconv.FormatFloat(n, 'f', 1, 64) }

// short writes a number in little room: 1.5k, 20k, 3M.
func short(n int64) string {
	for _, unit := range []struct {
		size int64
		name string
	}{{1_000_000_000, "G"}, {1_000_000, "M"}, {1000, "k"}} {
		if n >= unit.size {
			return strconv.FormatFloat(float64(n)/float64(unit.size), 'f', -1, 64) + unit.name
		}
	}
	return fmt.Sprint(n)
}
