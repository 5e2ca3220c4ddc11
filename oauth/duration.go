package oauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// Duration is a time.Duration that people write: Go's notation with whole days in front, as in "10m", "30d" or "1d12h".
type Duration time.Duration

// ParseDuration reads what time.ParseDuration reads, with whole days allowed in front.
func ParseDuration(s string) (Duration, error) {
	days, rest, found := strings.Cut(s, "d")
	if !found {
		return goDuration(s, s)
	}
	n, err := strconv.ParseUint(days, 10, 16) // 65535 days fit a time.Duration
	if err != nil {
		return 0, durationError(s)
	}
	whole := Duration(n) * Duration(day)
	if rest == "" {
		return whole, nil
	}
	if rest[0] < '0' || rest[0] > '9' { // a sign within
		return 0, durationError(s)
	}
	part, err := goDuration(rest, s)
	if err != nil {
		return 0, err
	}
	if whole > math.MaxInt64-part {
		return 0, durationError(s)
	}
	return whole + part, nil
}

func goDuration(s, whole string) (Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, durationError(whole)
	}
	return Duration(d), nil
}

func durationError(s string) error {
	if s == "" {
		return errors.New("an empty duration: write for example 60s, 10m, 12h or 30d")
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return fmt.Errorf("duration %q has no unit: write for example %ss", s, s)
	}
	return fmt.Errorf("%q is not a duration: write for example 60s, 10m, 12h or 30d", s)
}

// String writes whole days as "30d" and leaves out what is zero.
func (d Duration) String() string {
	if d == 0 {
		return "0"
	}
	prefix := ""
	if days := d / Duration(day); days > 0 {
		prefix = strconv.FormatInt(int64(days), 10) + "d"
		d -= days * Duration(day)
	}
	if d == 0 {
		return prefix
	}
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return prefix + s
}

// MarshalText writes the duration as String does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what ParseDuration reads.
func (d *Duration) UnmarshalText(b []byte) error {
	parsed, err := ParseDuration(string(b))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// UnmarshalJSON reads a text, or a number of seconds, as lifetimes are written in OAuth.
func (d *Duration) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		var text string
		if err := json.Unmarshal(b, &text); err != nil {
			return err
		}
		return d.UnmarshalText([]byte(text))
	}
	if string(b) == "null" {
		return nil
	}
	seconds, err := strconv.ParseUint(string(b), 10, 32)
	if err != nil {
		return fmt.Errorf("%s is not a duration: write a number of seconds, or for example 60s, 10m, 12h or 30d", b)
	}
	*d = Duration(seconds) * Duration(time.Second)
	return nil
}
