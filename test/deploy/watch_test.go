package deploy

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// metrics are what the server counts, with their labels, as docs/watching.md says; internal/telemetry tests that it says so.
func metrics(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, row := range metricRow.FindAllStringSubmatch(read(t, "docs/watching.md"), -1) {
		var labels []string
		for _, label := range labelCell.FindAllStringSubmatch(row[2], -1) {
			labels = append(labels, label[1])
		}
		if strings.Contains(row[3], "histogram") {
			labels = append(labels, "le")
		}
		all[row[1]] = labels
	}
	if len(all) < 10 {
		t.Fatalf("docs/watching.md names %d metrics", len(all))
	}
	return all
}

var (
	metricRow     = regexp.MustCompile("(?m)^\\| `(grantor_[a-z_]+)` \\| ([^|]*)\\|(.*)\\|$")
	labelCell     = regexp.MustCompile("`([a-z]+)`")
	metricName    = regexp.MustCompile(`\bgrantor_[a-z_]+`)
	dashboardExpr = regexp.MustCompile(`"expr": *("(?:[^"\\]|\\.)*")`)
	labelName     = regexp.MustCompile(`([a-z]+)(?:=~|!~|!=|=)"`)
	labelList     = regexp.MustCompile(`(?:by|on) \(([a-z, ]+)\)`)
	part          = regexp.MustCompile(`_(bucket|sum|count)$`) // of a histogram
)

// wantMetrics fails where an expression asks for what the server does not count.
func wantMetrics(t *testing.T, where, expression string) (names []string) {
	t.Helper()
	labels, counted := []string{"instance", "job"}, metrics(t)
	for _, name := range metricName.FindAllString(expression, -1) {
		if whole := part.ReplaceAllString(name, ""); slices.Contains(counted[whole], "le") {
			name = whole
		}
		known, is := counted[name]
		if !is {
			t.Errorf("%s: there is no metric %s", where, name)
		}
		names, labels = append(names, name), append(labels, known...)
	}
	asked := []string{}
	for _, found := range labelName.FindAllStringSubmatch(expression, -1) {
		asked = append(asked, found[1])
	}
	for _, found := range labelList.FindAllStringSubmatch(expression, -1) {
		asked = append(asked, strings.Split(found[1], ", ")...)
	}
	for _, label := range asked {
		if !slices.Contains(labels, label) {
			t.Errorf("%s: none of its metrics has the label %s: %s", where, label, expression)
		}
	}
	return names
}

type alerts struct {
	Groups []struct {
		Name  string `yaml:"name"`
		Rules []struct {
			Alert       string            `yaml:"alert"`
			Expr        string            `yaml:"expr"`
			For         string            `yaml:"for"`
			Labels      map[string]string `yaml:"labels"`
			Annotations map[string]string `yaml:"annotations"`
		} `yaml:"rules"`
	} `yaml:"groups"`
}

func TestAlertsAskForWhatTheServerCounts(t *testing.T) {
	a := &alerts{}
	decode(t, "deploy/alerts.yml", a)
	headings := anchors(read(t, "docs/operations.md"))
	for _, r := range a.Groups[0].Rules {
		wantMetrics(t, r.Alert, r.Expr)
		if s := r.Labels["severity"]; s != "page" && s != "ticket" || r.Annotations["summary"] == "" || r.For == "" {
			t.Errorf("%s: severity %q, summary %q, for %q", r.Alert, s, r.Annotations["summary"], r.For)
		}
		page, anchor, _ := strings.Cut(r.Annotations["runbook"], "#")
		if page != "docs/operations.md" || !slices.Contains(headings, anchor) {
			t.Errorf("%s: what to do is not to be found at %s", r.Alert, r.Annotations["runbook"])
		}
	}
}

// anchors gives what the headings of a page are linked by.
func anchors(page string) (all []string) {
	for line := range strings.SplitSeq(page, "\n") {
		if title, is := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); is && strings.HasPrefix(line, "#") {
			kept := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(title), "")
			all = append(all, strings.ReplaceAll(kept, " ", "-"))
		}
	}
	return all
}

// promtool runs the tool of Prometheus, where it is.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Skip("there is no promtool here")
	}
	if out, err := exec.Command("promtool", args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %q: %v\n%s", args, err, out)
	}
}

// Each alert tells of what it is for, and of nothing else.
func TestAlertsTellOfWhatIsWrong(t *testing.T) {
	a := &alerts{}
	decode(t, "deploy/alerts.yml", a)
	tried := read(t, "test/deploy/testdata/alerts_test.yml")
	for _, r := range a.Groups[0].Rules {
		if strings.Count(tried, "alertname: "+r.Alert+"\n")+strings.Count(tried, "alertname: "+r.Alert+"}") < 2 {
			t.Errorf("%s is not tried both ways", r.Alert)
		}
	}
	promtool(t, "check", "config", "--syntax-only", top+"deploy/prometheus.yml")
	promtool(t, "test", "rules", "testdata/alerts_test.yml")
}

// What the dashboard asks is PromQL.
func TestPrometheusReadsTheDashboard(t *testing.T) {
	type rule struct {
		Record string `yaml:"record"`
		Expr   string `yaml:"expr"`
	}
	var rules []rule
	for _, found := range dashboardExpr.FindAllStringSubmatch(read(t, "deploy/grafana/dashboards/grantor.json"), -1) {
		var expr string
		if err := json.Unmarshal([]byte(found[1]), &expr); err != nil {
			t.Fatal(err)
		}
		rules = append(rules, rule{"shown", strings.NewReplacer("$__rate_interval", "1m", "$instance", ".*").Replace(expr)})
		if strings.Contains(rules[len(rules)-1].Expr, "$") {
			t.Errorf("%s: a variable that the dashboard does not have", expr)
		}
	}
	if len(rules) < 15 {
		t.Fatalf("%d expressions were found", len(rules))
	}
	text, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": rules}}})
	if err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/dashboard.yml"
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", "--lint=none", file)
}

func TestDashboardShowsWhatTheServerCounts(t *testing.T) {
	var dashboard struct {
		UID    string `json:"uid"`
		Panels []struct {
			ID         int               `json:"id"`
			Title      string            `json:"title"`
			Datasource map[string]string `json:"datasource"`
			GridPos    struct{ X, Y, W, H int }
			Targets    []struct{ Expr string }
		} `json:"panels"`
	}
	if err := json.Unmarshal([]byte(read(t, "deploy/grafana/dashboards/grantor.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	var source struct {
		Version     int              `yaml:"apiVersion"`
		Datasources []map[string]any `yaml:"datasources"`
	}
	decode(t, "deploy/grafana/provisioning/datasources/prometheus.yml", &source)
	shown := []string{}
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			shown = append(shown, wantMetrics(t, p.Title, target.Expr)...)
		}
		if p.Datasource["uid"] != source.Datasources[0]["uid"] || p.GridPos.X+p.GridPos.W > 24 || p.GridPos.W == 0 {
			t.Errorf("%s: source %v, place %+v", p.Title, p.Datasource, p.GridPos)
		}
	}
	for name := range metrics(t) {
		if !slices.Contains(shown, name) {
			t.Errorf("%s stands on no panel", name)
		}
	}
}

// docker-compose.yml, Prometheus and Grafana name each other.
func TestWatchersFindTheNodes(t *testing.T) {
	var config struct {
		Global  map[string]string `yaml:"global"`
		Rules   []string          `yaml:"rule_files"`
		Scrapes []struct {
			Job string `yaml:"job_name"`
			DNS []struct {
				Names []string `yaml:"names"`
				Type  string   `yaml:"type"`
				Port  int      `yaml:"port"`
			} `yaml:"dns_sd_configs"`
		} `yaml:"scrape_configs"`
	}
	decode(t, "deploy/prometheus.yml", &config)
	name := config.Scrapes[0].DNS[0].Names[0]
	for service, node := range readCompose(t).nodes() {
		networks, _ := node.Networks.(map[string]any)
		watch, _ := networks["watch"].(map[string]any)
		if aliases, _ := watch["aliases"].([]any); !slices.Contains(aliases, any(name)) {
			t.Errorf("%s does not go by %s", service, name)
		}
	}
	watchers := readCompose(t).Services
	if config.Scrapes[0].Job != "grantor" || !slices.Contains(watchers["prometheus"].Volumes, "./deploy/"+config.Rules[0]+":/etc/prometheus/"+config.Rules[0]+":ro") {
		t.Errorf("job %s, rules %v", config.Scrapes[0].Job, config.Rules)
	}
	var provider struct {
		Version   int `yaml:"apiVersion"`
		Providers []struct {
			Name    string            `yaml:"name"`
			Type    string            `yaml:"type"`
			Keep    bool              `yaml:"disableDeletion"`
			Options map[string]string `yaml:"options"`
		} `yaml:"providers"`
	}
	decode(t, "deploy/grafana/provisioning/dashboards/grantor.yml", &provider)
	if at := provider.Providers[0].Options["path"]; !slices.Contains(watchers["grafana"].Volumes, "./deploy/grafana/dashboards:"+at+":ro") {
		t.Errorf("dashboards are looked for in %s", at)
	}
}
