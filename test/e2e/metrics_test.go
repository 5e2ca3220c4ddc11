package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/test/authtest"
)

// What a server tells those who watch it: docs/watching.md.

// series are the values of one scrape by name and labels, as they are written.
type series map[string]float64

func scrape(t testing.TB, s *authtest.Server) series {
	t.Helper()
	text, err := s.Metrics()
	if err != nil {
		t.Fatal(err)
	}
	all := series{}
	for line := range strings.SplitSeq(text, "\n") {
		at := strings.LastIndexByte(line, ' ')
		if at < 0 || strings.HasPrefix(line, "#") {
			continue
		}
		if all[line[:at]], err = strconv.ParseFloat(line[at+1:], 64); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
	}
	return all
}

// sum adds up the series that begin so.
func (s series) sum(prefix string) (sum float64, found bool) {
	for name, value := range s {
		if strings.HasPrefix(name, prefix) {
			sum, found = sum+value, true
		}
	}
	return sum, found
}

// own counts the series of ours: those of Go come and go.
func (s series) own() (n int) {
	for name := range s {
		if strings.HasPrefix(name, "grantor_") {
			n++
		}
	}
	return n
}

// beWatched does what every counter counts.
func beWatched(t *testing.T, s *authtest.Server) {
	t.Helper()
	asked := s.App("web").Ask()
	tokens := asked.Redeem(t, s.Browser(t).Grant(asked, authtest.Bob))
	tokens.Wants(t, http.StatusOK, "")
	s.App("web").Refresh(t, tokens.Refresh())
	s.App("jwt").Machine(t)
	s.App("api").Introspect(t, tokens.Access())
	s.App("web").Token(t, "grant_type", "authorization_code", "code", "no code")
	try(t, s, authtest.Bob, "a wrong password")
	s.Get(t, authtest.JWKSPath)
	s.Get(t, "/nothing")
	s.Get(t, "/admin/api/v1/clients")
}

func TestEveryMetricIsThereAndMoves(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) string{
		"memory": func(*testing.T) string { return "" }, "redis": func(t *testing.T) string { return redistest.Start(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := authtest.Start(t, authtest.Options{Store: open(t)})
			first := scrape(t, s)
			beWatched(t, s)
			readFeed(t, s.App("api"), "")
			then := scrape(t, s)
			for _, moves := range []string{
				`grantor_requests_total{endpoint="/oauth2/token",status="200"}`,
				`grantor_requests_total{endpoint="/oauth2/authorize",status="302"}`,
				`grantor_requests_total{endpoint="/oauth2/jwks",status="200"}`,
				`grantor_requests_total{endpoint="/admin/api/v1",status="401"}`,
				`grantor_requests_total{endpoint="other",status="404"}`,
				`grantor_request_seconds_bucket{endpoint="/oauth2/token",le="10"}`,
				`grantor_request_seconds_count{endpoint="/oauth2/introspect"}`,
				`grantor_request_seconds_sum{endpoint="/login"}`,
				`grantor_tokens_issued_total{format="opaque",grant="authorization_code"}`,
				`grantor_tokens_issued_total{format="opaque",grant="refresh_token"}`,
				`grantor_tokens_issued_total{format="jwt",grant="client_credentials"}`,
				`grantor_refusals_total{endpoint="/oauth2/token",reason="invalid_grant"}`,
				`grantor_refusals_total{endpoint="/admin/api/v1",reason="no_token"}`,
				`grantor_login_failures_total{reason="wrong_password"}`,
				`grantor_store_seconds_count{verb="get"}`, `grantor_store_seconds_count{verb="create"}`,
				`grantor_store_seconds_count{verb="swap"}`, `grantor_store_seconds_count{verb="add"}`,
				`grantor_store_seconds_count{verb="list"}`,
				`grantor_cache_lookups_total{kind="client",result="hit"}`,
				`grantor_key_age_seconds{alg="ES256"}`, `grantor_feed_subscribers`,
				`go_memstats_alloc_bytes_total`,
			} {
				if then[moves] <= first[moves] {
					t.Errorf("%s was %v and is %v", moves, first[moves], then[moves])
				}
			}
			for _, there := range []string{
				"grantor_store_errors_total{", "grantor_feed_silent_seconds", "grantor_sweeper_lag_seconds", "grantor_build_info{",
				"go_goroutines", "process_resident_memory_bytes", `grantor_login_failures_total{reason="throttled"}`,
			} {
				if _, found := then.sum(there); !found {
					t.Errorf("there is no %s", there)
				}
			}
			if silent := then["grantor_feed_silent_seconds"]; silent > 5 {
				t.Errorf("the feed is silent for %v s", silent)
			}
		})
	}
}

func TestAStoreThatIsAwayIsCounted(t *testing.T) {
	t.Parallel()
	redis := redistest.New(t)
	s := authtest.Start(t, authtest.Options{Store: redis.URL()})
	redis.Kill()
	eventually(t, 20*time.Second, "errors of the store are counted", func() bool {
		now := scrape(t, s)
		failed, _ := now.sum("grantor_store_errors_total")
		return failed > 0 && now["grantor_feed_silent_seconds"] > 2
	})
	if ready := fetch(t, s.MetricsAddr(), "/readyz"); ready.status != http.StatusServiceUnavailable {
		t.Errorf("readyz: %v", ready)
	}
	if alive := fetch(t, s.MetricsAddr(), "/healthz"); alive.status != http.StatusOK {
		t.Errorf("healthz: %v", alive)
	}
}

// fetched is what a listener answers.
type fetched struct {
	status int
	body   string
}

func fetch(t testing.TB, address, path string) fetched {
	t.Helper()
	answer, err := http.Get("http://" + address + path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fetched{answer.StatusCode, string(body)}
}

func TestMetricsAndProfilesAreOnAListenerOfTheirOwn(t *testing.T) {
	t.Parallel()
	with := authtest.Start(t, authtest.Options{Args: []string{"--pprof"}})
	without := shared(t)
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/profile"} {
		for _, s := range []*authtest.Server{with, without} {
			if page := s.Get(t, path); page.Status != http.StatusNotFound {
				t.Errorf("the public port answers %s with %s", path, page)
			}
		}
		if path != "/metrics" {
			if got := fetch(t, without.MetricsAddr(), path); got.status != http.StatusNotFound {
				t.Errorf("without pprof %s is answered with %v", path, got.status)
			}
		}
	}
	for path, want := range map[string]int{
		"/debug/pprof/goroutine?debug=1": http.StatusOK, "/debug/pprof/heap": http.StatusOK, "/metrics": http.StatusOK, "/readyz": http.StatusOK,
		authtest.JWKSPath: http.StatusNotFound, "/login": http.StatusNotFound, "/admin": http.StatusNotFound,
		"/debug/pprof/cmdline": http.StatusNotFound, // flags may hold a password
	} {
		if got := fetch(t, with.MetricsAddr(), path); got.status != want {
			t.Errorf("the metrics' listener answers %s with %d", path, got.status)
		}
	}
}

func TestHostileRequestsMakeNoSeries(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, authtest.Options{Args: []string{"--limit-exempt", "127.0.0.0/8", "--trace-ratio", "0"}})
	methods := []string{http.MethodGet, "BREW", http.MethodPost, http.MethodDelete}
	send := func(i int) {
		paths := []string{"/x%d", "/oauth2/token/%d", "/admin/%d", "/admin/api/v1/%d", "/static/%d.js", "/account/%d%%00", "/oauth2/jwks?x=%d", "/%d/%%2e%%2e/login"}
		request := authtest.NewRequest(t, methods[i%len(methods)], s.URL(fmt.Sprintf(paths[i%len(paths)], i)), nil)
		request.SetBasicAuth(fmt.Sprintf("client%d", i), "x")
		if _, err := s.Try(request); err != nil {
			t.Error(err)
		}
	}
	const usual, hostile = 200, 2000
	for i := range usual { // every kind of answer some times
		send(i)
	}
	before := scrape(t, s).own()
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := worker; i < hostile; i += 8 {
				send(1000 + i)
			}
		})
	}
	all.Wait()
	then := scrape(t, s)
	if n, _ := then.sum("grantor_requests_total"); n < usual+hostile {
		t.Errorf("%v requests were counted", n)
	}
	if after := then.own(); after > before {
		t.Errorf("%d series became %d", before, after)
	}
}
