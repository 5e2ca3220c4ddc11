package deploy

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// compose is docker-compose.yml, as far as this repository uses the format.
type compose struct {
	Name     string             `yaml:"name"`
	Node     any                `yaml:"x-node"` // merged into services
	Settings any                `yaml:"x-settings"`
	Services map[string]service `yaml:"services"`
	Networks map[string]struct {
		Internal bool `yaml:"internal"`
		IPAM     struct {
			Config []struct {
				Subnet  string `yaml:"subnet"`
				IPRange string `yaml:"ip_range"`
			} `yaml:"config"`
		} `yaml:"ipam"`
	} `yaml:"networks"`
	Volumes map[string]any `yaml:"volumes"`
}

type service struct {
	Image       string            `yaml:"image"`
	Build       any               `yaml:"build"`
	Command     string            `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	Profiles    []string          `yaml:"profiles"`
	DependsOn   map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
	Networks    any      `yaml:"networks"` // a list, or a map with addresses
	Ports       []string `yaml:"ports"`
	Volumes     []string `yaml:"volumes"`
	Tmpfs       []string `yaml:"tmpfs"`
	HealthCheck *struct {
		Test     []string `yaml:"test"`
		Interval string   `yaml:"interval"`
		Timeout  string   `yaml:"timeout"`
		Retries  int      `yaml:"retries"`
	} `yaml:"healthcheck"`
	ReadOnly  bool          `yaml:"read_only"`
	CapDrop   []string      `yaml:"cap_drop"`
	Security  []string      `yaml:"security_opt"`
	MemLimit  string        `yaml:"mem_limit"`
	PidsLimit int           `yaml:"pids_limit"`
	Grace     time.Duration `yaml:"stop_grace_period"`
	Restart   string        `yaml:"restart"`
}

func readCompose(t *testing.T) *compose {
	t.Helper()
	c := &compose{}
	decode(t, "docker-compose.yml", c)
	return c
}

// nodes are the services that are Grantor.
func (c *compose) nodes() map[string]service {
	found := map[string]service{}
	for name, s := range c.Services {
		if strings.HasPrefix(s.Image, "grantor:") {
			found[name] = s
		}
	}
	return found
}

// address is the fixed address of a service in a network, "" if it has none.
func (s service) address(network string) string {
	networks, _ := s.Networks.(map[string]any)
	settings, _ := networks[network].(map[string]any)
	address, _ := settings["ipv4_address"].(string)
	return address
}

var reference = regexp.MustCompile(`\$\{([A-Z_]+)(:[-?])?([^}]*)\}`)

// filled puts in what stands in .env, as compose does.
func filled(text string, env map[string]string) string {
	return reference.ReplaceAllStringFunc(text, func(found string) string {
		parts := reference.FindStringSubmatch(found)
		if value := env[parts[1]]; value != "" || parts[2] != ":-" {
			return value
		}
		return parts[3]
	})
}

func TestComposeSetsWhatTheServerKnows(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"as it stands":   {"REDIS_PASSWORD": "0123456789abcdef", "GRANTOR_MASTER_KEY": testKey},
		"behind proxies": {"REDIS_PASSWORD": "0123456789abcdef", "GRANTOR_MASTER_KEY": testKey, "GRANTOR_ISSUER": "https://auth.example.com", "GRANTOR_TRUSTED_PROXY": "172.16.0.0/12"},
	} {
		t.Run(name, func(t *testing.T) {
			nodes := readCompose(t).nodes()
			if len(nodes) != 3 {
				t.Errorf("%d nodes, want one alone and two behind nginx", len(nodes))
			}
			for _, node := range nodes {
				variables := map[string]string{}
				for name, value := range node.Environment {
					variables[name] = filled(value, env)
				}
				wantSettings(t, variables)
			}
		})
	}
}

func TestComposeAsksForItsSecrets(t *testing.T) {
	text := read(t, "docker-compose.yml")
	for _, found := range reference.FindAllStringSubmatch(text, -1) {
		secret := found[1] == "REDIS_PASSWORD" || found[1] == "GRANTOR_MASTER_KEY"
		if secret != (found[2] == ":?") {
			t.Errorf("%s: a secret has no default, and all else has one", found[0])
		}
		if secret && !strings.Contains(text, `echo "`+found[1]+"=") {
			t.Errorf("the head of docker-compose.yml does not say how %s is made", found[1])
		}
	}
}

func TestComposeRunsNamedVersionsWithoutRights(t *testing.T) {
	c := readCompose(t)
	for name, s := range c.Services {
		if !pinned.MatchString(s.Image) && c.nodes()[name].Image == "" {
			t.Errorf("%s: %s is whatever is the newest", name, s.Image)
		}
		if !slices.Contains(s.Security, "no-new-privileges:true") {
			t.Errorf("%s may gain rights", name)
		}
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s: port %s is open to everybody", name, port)
			}
		}
		for _, volume := range s.Volumes {
			from, _, _ := strings.Cut(volume, ":")
			if _, named := c.Volumes[from]; named {
				continue
			}
			if _, err := os.Stat(top + from); err != nil || !strings.HasSuffix(volume, ":ro") {
				t.Errorf("%s: %s: %v; what is mounted from here is read-only", name, volume, err)
			}
		}
		for other, on := range s.DependsOn {
			if health := c.Services[other].HealthCheck; on.Condition == "service_healthy" && health == nil && c.nodes()[other].Image == "" {
				t.Errorf("%s waits for the health of %s, which has none", name, other)
			}
		}
	}
	for name, node := range c.nodes() {
		if !node.ReadOnly || !slices.Equal(node.CapDrop, []string{"ALL"}) || node.Grace <= longestStop(t) {
			t.Errorf("%s: read-only %v, drops %v, is killed after %v and needs %v", name, node.ReadOnly, node.CapDrop, node.Grace, longestStop(t))
		}
	}
}

func TestComposeRedisKeepsEveryWrite(t *testing.T) {
	redis := readCompose(t).Services["redis"]
	for _, want := range []string{"--appendonly yes", "--appendfsync always", "--maxmemory-policy noeviction", "--requirepass ${REDIS_PASSWORD:?"} {
		if !strings.Contains(redis.Command, want) {
			t.Errorf("redis is started without %s", want)
		}
	}
	if !slices.Equal(redis.Volumes, []string{"redis:/data"}) || len(redis.Ports) > 0 || !readCompose(t).Networks["store"].Internal {
		t.Errorf("volumes %v, ports %v: it is for the nodes, and its data outlives it", redis.Volumes, redis.Ports)
	}
}

func TestComposeProfiles(t *testing.T) {
	want := map[string][]string{
		"redis": nil, "grantor": nil, "node-1": {"nodes"}, "node-2": {"nodes"}, "nginx": {"nodes"}, "prometheus": {"watch"}, "grafana": {"watch"},
	}
	c := readCompose(t)
	for name, s := range c.Services {
		if !slices.Equal(s.Profiles, want[name]) {
			t.Errorf("%s is of the profiles %v, want %v", name, s.Profiles, want[name])
		}
	}
	if len(c.Services) != len(want) {
		t.Errorf("%d services, want %d", len(c.Services), len(want))
	}
}

// The addresses stand in two files: nginx sends to the nodes, and the nodes believe nginx.
func TestNodesAndNginxKnowEachOther(t *testing.T) {
	c := readCompose(t)
	config := read(t, "deploy/nginx.conf")
	for _, name := range []string{"node-1", "node-2"} {
		node := c.Services[name]
		if got := node.Environment["GRANTOR_TRUSTED_PROXY"]; got != c.Services["nginx"].address("front") || got == "" {
			t.Errorf("%s trusts %q", name, got)
		}
		if at := node.address("front"); at == "" || !strings.Contains(config, "server "+at+":8080 ") {
			t.Errorf("nginx does not know %s at %q", name, at)
		}
	}
}
