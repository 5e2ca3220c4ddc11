package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// parseDuration reads what time.ParseDuration reads, with whole days allowed in front: "30d", "1d12h".
func parseDuration(s string) (time.Duration, error) {
	days, rest, found := strings.Cut(s, "d")
	if !found {
		return goDuration(s, s)
	}
	n, err := strconv.ParseUint(days, 10, 16) // 65535 days fit a time.Duration
	if err != nil {
		return 0, durationError(s)
	}
	if rest == "" {
		return time.Duration(n) * day, nil
	}
	if rest[0] < '0' || rest[0] > '9' { // a sign within
		return 0, durationError(s)
	}
	d, err := goDuration(rest, s)
	sum := time.Duration(n)*day + d
	if err == nil && sum < d {
		return 0, durationError(s)
	}
	return sum, err
}

func goDuration(s, whole string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, durationError(whole)
	}
	return d, nil
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

// formatDuration writes whole days as "30d" and leaves out what is zero.
func formatDuration(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	prefix := ""
	if days := d / day; days > 0 {
		prefix = fmt.Sprintf("%dd", days)
		d -= days * day
	}
	if d == 0 {
		return prefix
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return prefix + s
}
