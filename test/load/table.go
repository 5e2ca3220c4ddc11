package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// measured is one round of one operation.
type measured struct{ server, floor, peer figures }

// row holds what was measured of one operation, one entry a round.
type row struct {
	operation           *operation
	server, floor, peer []figures
}

func (r *row) add(m measured) {
	r.server = append(r.server, m.server)
	r.floor = append(r.floor, m.floor)
	r.peer = append(r.peer, m.peer)
}

func printHead(peer string) {
	fmt.Printf("| store  | operation                 |  ops/s | p50 ms | p99 ms | cpu µs | floor ops/s | p50 ms | p99 ms | cpu µs | ratio | p99 ratio | %s ops/s | cpu µs |\n", peer)
	fmt.Printf("|--------|---------------------------|-------:|-------:|-------:|-------:|------------:|-------:|-------:|-------:|------:|----------:|%s:|-------:|\n",
		strings.Repeat("-", len(peer)+len(" ops/s ")))
}

func printRows(store, peer string, rows []row) {
	for _, r := range rows {
		server, floor := median(r.server), median(r.floor)
		fmt.Printf("| %-6s | %-25s | %6.0f | %s | %11.0f | %s | %5.2f | %9.2f | %s |\n", store, r.operation.name,
			server.perSecond, server.times(), floor.perSecond, floor.times(),
			r.ratio(func(f figures) float64 { return f.perSecond }), r.ratio(func(f figures) float64 { return float64(f.p99) }),
			r.besides(len(peer)+len(" ops/s")))
	}
}

// besides gives the figures of the peer, in a column of the given width, blank where there are none.
func (r *row) besides(width int) string {
	if r.operation.peer == nil {
		return fmt.Sprintf("%*s | %6s", width, "", "")
	}
	peer := median(r.peer)
	return fmt.Sprintf("%*.0f | %6d", width, peer.perSecond, peer.processor.Microseconds())
}

// ratio is the median, over the rounds, of what the server took beside the floor in the same round: a machine that is slower
// in some rounds is slower for both.
func (r *row) ratio(of func(figures) float64) float64 {
	ratios := make([]float64, len(r.server))
	for i := range ratios {
		ratios[i] = of(r.server[i]) / of(r.floor[i])
	}
	return middle(ratios)
}

func (f figures) times() string {
	milliseconds := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return fmt.Sprintf("%6.1f | %6.1f | %6d", milliseconds(f.p50), milliseconds(f.p99), f.processor.Microseconds())
}

// processor gives the processor time that the process has taken so far, as Linux tells it in hundredths of a second; 0
// elsewhere.
func (e endpoint) processor() time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", e.pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11]) // proc(5): they are numbers, and fields 14 and 15 of the line
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * (time.Second / 100)
}

// machine says in words where this was measured.
func machine() string {
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease") // elsewhere than on Linux it is left out
	redis, _ := exec.Command("redis-server", "--version").Output()
	return fmt.Sprintf("%s: %d cores, %s memory, %s %s, %s, Redis %s", time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(),
		installed(), runtime.GOOS, strings.TrimSpace(string(kernel)), runtime.Version(), word(string(redis), "v="))
}

// installed gives the size of the machine's memory as Linux tells it.
func installed() string {
	file, err := os.Open("/proc/meminfo")
	if err != nil {
		return "unknown"
	}
	defer file.Close() // it was only read
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var kilobytes int
		if n, _ := fmt.Sscanf(lines.Text(), "MemTotal: %d kB", &kilobytes); n == 1 {
			return fmt.Sprintf("%.0f GiB", float64(kilobytes)/(1<<20))
		}
	}
	return "unknown"
}

// word gives what stands behind a prefix, up to the next blank.
func word(text, prefix string) string {
	_, rest, _ := strings.Cut(text, prefix)
	found, _, _ := strings.Cut(rest, " ")
	return found
}
