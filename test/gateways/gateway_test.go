package gateways

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
)

// patience bounds how long a gateway may take to start or to stop. It is generous: other tests use the machine, too.
const patience = 30 * time.Second

// gateway is a program whose configuration stands in docs/gateways.md.
type gateway struct {
	name     string // of the block of the page
	program  string
	needs    string   // a file that must be there besides
	optional bool     // not needed for `make test`
	places   []string // what is replaced: where it listens, where Grantor and the API do; HOST and PORT stand for the new ones
	around   func(dir, config, listen string) string
	args     func(dir string) []string
}

// configFile is the configuration of each; Envoy goes by the ending.
const configFile = "config.yaml"

const oauth2Module = "/usr/lib/apache2/modules/mod_oauth2.so"

func all() []gateway {
	const plain = "HOST:PORT"
	const grantor, api = "127.0.0.1:8080", "127.0.0.1:9000"
	return []gateway{
		{
			name: "nginx", program: "nginx", around: aroundNginx, places: []string{"listen 80;", "listen " + plain + ";", grantor, plain, api, plain},
			args: func(dir string) []string { return []string{"-p", dir, "-c", configFile, "-e", "log"} },
		},
		{
			name: "apache", program: "apache2", needs: oauth2Module, around: aroundApache, places: []string{"*:80", plain, grantor, plain, api, plain},
			args: func(dir string) []string {
				return []string{"-d", dir, "-f", filepath.Join(dir, configFile), "-D", "FOREGROUND"}
			},
		},
		{
			name: "caddy", program: "caddy", around: aroundCaddy, places: []string{"http://api.example.com", "http://" + plain, grantor, plain, api, plain},
			args: func(string) []string { return []string{"run", "--config", configFile, "--adapter", "caddyfile"} },
		},
		{
			name: "envoy", program: "envoy", optional: true, around: func(_, config, _ string) string { return config },
			places: []string{
				"address: 0.0.0.0, port_value: 80}", "address: HOST, port_value: PORT}", "address: 127.0.0.1, port_value: 8080}", "address: HOST, port_value: PORT}",
				"address: 127.0.0.1, port_value: 9000}", "address: HOST, port_value: PORT}",
			},
			args: func(string) []string {
				return []string{"--config-path", configFile, "--use-dynamic-base-id", "-l", "warning"}
			},
		},
	}
}

// find skips the test where the gateway is not installed, unless it must be: on Debian, which has all but the optional ones.
func (g gateway) find(t *testing.T) {
	t.Helper()
	_, err := exec.LookPath(g.program)
	if err == nil && g.needs != "" {
		_, err = os.Stat(g.needs)
	}
	if err == nil {
		return
	}
	_, debian := os.Stat("/etc/debian_version")
	if os.Getenv("GRANTOR_TEST_REQUIRE") != "" && debian == nil && !g.optional {
		t.Fatalf("%s is not there, and GRANTOR_TEST_REQUIRE wants it: %v", g.name, err)
	}
	t.Skipf("%s is not installed: %v", g.name, err)
}

// start runs the gateway as the page says, until the test ends, and gives where it listens.
func (g gateway) start(t *testing.T, grantor, api string, changes []string) string {
	t.Helper()
	dir, listen := t.TempDir(), freePort(t)
	config := replaced(t, documented(t, g.name), changes)
	for i, at := range []string{listen, grantor, api} {
		host, port, err := net.SplitHostPort(at)
		if err != nil {
			t.Fatal(err)
		}
		config = replaced(t, config, []string{g.places[2*i], strings.NewReplacer("HOST", host, "PORT", port).Replace(g.places[2*i+1])})
	}
	if err := os.WriteFile(filepath.Join(dir, configFile), []byte(g.around(dir, config, listen)), 0o600); err != nil {
		t.Fatal(err)
	}
	g.run(t, dir, listen)
	return listen
}

func (g gateway) run(t *testing.T, dir, listen string) {
	t.Helper()
	var said bytes.Buffer
	process := exec.Command(g.program, g.args(dir)...)
	process.Dir, process.Stdout, process.Stderr = dir, &said, &said
	process.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir)
	if err := process.Start(); err != nil {
		t.Fatalf("start %s: %v", g.name, err)
	}
	exited := make(chan struct{})
	go func() { _ = process.Wait(); close(exited) }() // how it ends is no matter of these tests
	t.Cleanup(func() {
		_ = process.Process.Signal(syscall.SIGTERM) // it may have ended
		select {
		case <-exited:
		case <-time.After(patience):
			_ = process.Process.Kill() // it had its time
			<-exited
			t.Errorf("%s does not end when it is asked to", g.name)
		}
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(dir, "log")) // not all write one
			t.Logf("%s said:\n%s%s", g.name, said.String(), log)
		}
	})
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if c, err := net.Dial("tcp", listen); err == nil {
			_ = c.Close() // it only showed that somebody listens
			return
		}
		select {
		case <-exited:
			t.Fatalf("%s ended before it listened", g.name)
		default:
		}
	}
	t.Fatalf("%s does not listen", g.name)
}

// documented gives the block of docs/gateways.md in a language.
func documented(t *testing.T, language string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/gateways.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(page), "\n```"+language+"\n")
	block, _, closed := strings.Cut(block, "\n```\n")
	if !found || !closed {
		t.Fatalf("docs/gateways.md has no block for %s", language)
	}
	return block + "\n"
}

// replaced changes every place of a text, and fails the test where there is none: the page has changed.
func replaced(t *testing.T, text string, changes []string) string {
	t.Helper()
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(text, changes[i]) {
			t.Fatalf("%q does not stand in the configuration:\n%s", changes[i], text)
		}
		text = strings.ReplaceAll(text, changes[i], changes[i+1])
	}
	return text
}

func aroundNginx(dir, config, _ string) string {
	user := ""
	if os.Geteuid() == 0 {
		user = "user root root;\n" // the folder of a test is its owner's
	}
	return user + "daemon off;\nworker_processes 1;\npid nginx.pid;\nevents {}\nhttp {\naccess_log off;\n" +
		"client_body_temp_path body;\nproxy_temp_path proxy;\nfastcgi_temp_path fastcgi;\nuwsgi_temp_path uwsgi;\nscgi_temp_path scgi;\n" + config + "}\n"
}

func aroundApache(dir, config, listen string) string {
	var b strings.Builder
	if os.Geteuid() == 0 {
		b.WriteString("User www-data\nGroup www-data\n")
	}
	for _, module := range []string{"mpm_event", "authn_core", "authz_core", "headers", "proxy", "proxy_http", "oauth2"} {
		fmt.Fprintf(&b, "LoadModule %s_module %s\n", module, filepath.Join(filepath.Dir(oauth2Module), "mod_"+module+".so"))
	}
	fmt.Fprintf(&b, "DefaultRuntimeDir %s\nPidFile pid\nMutex posixsem\nListen %s\nServerName api.example.com\nErrorLog log\nStartServers 1\nThreadsPerChild 8\n"+
		"MinSpareThreads 1\nMaxSpareThreads 16\nMaxRequestWorkers 16\n%s", dir, listen, config)
	return b.String()
}

func aroundCaddy(_, config, _ string) string { return "{\n\tadmin off\n\tauto_https off\n}\n" + config }

// freePort gives an address of this machine that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(redistest.FreePort(t)))
}
