package templates

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"
)

// moment shows a time to the minute, in UTC as the logs have it; no time at all is "never".
func moment(t time.Time) template.HTML {
	if t.IsZero() {
		return `<span class="muted">never</span>`
	}
	return timeElement(t, t.UTC().Format("2006-01-02 15:04 UTC"), "")
}

// ago shows how long ago a time is, or how far ahead. The exact time shows when somebody points at it.
func (p *Pages) ago(t time.Time) template.HTML {
	if t.IsZero() {
		return `<span class="muted">never</span>`
	}
	return timeElement(t, apart(p.Now().Sub(t)), ` title="`+t.UTC().Format("2006-01-02 15:04:05 UTC")+`"`)
}

// timeElement puts together what the two above made of a time; nothing in it comes from outside.
func timeElement(t time.Time, text, title string) template.HTML {
	return template.HTML(fmt.Sprintf(`<time datetime="%s"%s>%s</time>`, t.UTC().Format(time.RFC3339), title, text)) //nolint:gosec // digits and words of ours
}

func apart(d time.Duration) string {
	form := "%s ago"
	if d < 0 {
		d, form = -d, "in %s"
	}
	const day = 24 * time.Hour
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{365 * day, "year"}, {30 * day, "month"}, {day, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if n := int(d / unit.size); n > 0 {
			return fmt.Sprintf(form, count(n, unit.name, unit.name+"s"))
		}
	}
	if form == "%s ago" {
		return "just now"
	}
	return "in a moment"
}

// count says how many of something: "1 client", "1,204 clients".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(n) + " " + many
}

// grouped writes a whole number of any kind with its thousands apart: 1,204.
func grouped(n any) string {
	digits := fmt.Sprint(n)
	if _, err := strconv.ParseInt(digits, 10, 64); err != nil {
		return digits
	}
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}
