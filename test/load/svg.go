package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// plot is a drawing of lines over a logarithmic axis.
type plot struct {
	title, x, y string
	lines       []series
}

// series is one line of a plot. The line of a server and that of its floor, which is dashed and comes right after it, have one
// colour.
type series struct {
	name   string
	dashed bool
	points []point
}

type point struct{ x, y float64 }

func (l *series) add(x int, y float64) { l.points = append(l.points, point{float64(x), y}) }

// Sizes of the drawing, in pixels.
const (
	plotWidth, plotHeight    = 760, 400
	plotLeft, plotRight      = 80, 20
	plotTop, plotBottom      = 40, 110
	plotInWidth, plotInHight = plotWidth - plotLeft - plotRight, plotHeight - plotTop - plotBottom
)

var colours = []string{"#1f6feb", "#b3501a", "#2d7d46", "#7a3fb0"}

// draw writes the plot as SVG.
func (p *plot) draw(b *strings.Builder) {
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" fill="#333">`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(b, `<rect width="%d" height="%d" fill="#fff"/><text x="%d" y="22" font-size="15">%s</text>`+"\n", plotWidth, plotHeight, plotLeft, html.EscapeString(p.title))
	low, high, top := p.bounds()
	step := roundStep(top)
	top = math.Ceil(top/step) * step
	at := func(q point) (x, y float64) {
		share := 0.5
		if high > low {
			share = math.Log(q.x/low) / math.Log(high/low)
		}
		return plotLeft + share*plotInWidth, plotTop + (1-q.y/top)*plotInHight
	}
	for y := 0.0; y <= top; y += step {
		_, py := at(point{low, y})
		fmt.Fprintf(b, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%.0f</text>`+"\n", plotLeft, py, plotWidth-plotRight, plotLeft-8, py+4, y)
	}
	for _, q := range p.lines[0].points {
		px, _ := at(q)
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle">%.0f</text>`+"\n", px, plotTop+plotInHight+18, q.x)
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`, plotLeft+plotInWidth/2, plotTop+plotInHight+36, html.EscapeString(p.x))
	fmt.Fprintf(b, `<text transform="translate(18 %d) rotate(-90)" text-anchor="middle">%s</text>`+"\n", plotTop+plotInHight/2, html.EscapeString(p.y))
	colour := -1
	for i, l := range p.lines {
		if !l.dashed {
			colour++
		}
		l.draw(b, at, colours[max(colour, 0)%len(colours)], i)
	}
	b.WriteString("</svg>\n")
}

// draw writes one line and its name in the legend.
func (l *series) draw(b *strings.Builder, at func(point) (x, y float64), colour string, place int) {
	dashes := ""
	if l.dashed {
		dashes = ` stroke-dasharray="5 4"`
	}
	b.WriteString(`<path fill="none" stroke-width="2" stroke="` + colour + `"` + dashes + ` d="`)
	for i, q := range l.points {
		x, y := at(q)
		fmt.Fprintf(b, "%c%.1f %.1f", "ML"[min(i, 1)], x, y)
	}
	x, y := plotLeft+place/2*230, plotTop+plotInHight+58+place%2*18
	fmt.Fprintf(b, `"/><path stroke-width="2" stroke="%s"%s d="M%d %dh24"/><text x="%d" y="%d">%s</text>`+"\n", colour, dashes, x, y, x+30, y+4, html.EscapeString(l.name))
}

// bounds gives the least and the greatest x, and the greatest y.
func (p *plot) bounds() (low, high, top float64) {
	low, top = math.Inf(1), 1
	for _, l := range p.lines {
		for _, q := range l.points {
			low, high, top = min(low, q.x), max(high, q.x), max(top, q.y)
		}
	}
	return low, high, top
}

// roundStep gives a round distance of lines, of which there are four to ten.
func roundStep(top float64) float64 {
	step := math.Pow(10, math.Floor(math.Log10(top)))
	switch {
	case top/step < 2:
		return step / 5
	case top/step < 5:
		return step / 2
	}
	return step
}
