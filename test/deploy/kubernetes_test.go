package deploy

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// What of the Kubernetes API the manifests use. Whether the API knows these fields was checked by hand, with k8s.io/api.

type meta struct {
	Name   string            `yaml:"name"`
	Labels map[string]string `yaml:"labels"`
}

type labelled struct {
	MatchLabels map[string]string `yaml:"matchLabels"`
}

type object struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   meta   `yaml:"metadata"`
}

type values struct {
	object     `yaml:",inline"`
	Type       string            `yaml:"type"`
	Data       map[string]string `yaml:"data"`
	StringData map[string]string `yaml:"stringData"`
}

type deployment struct {
	object `yaml:",inline"`
	Spec   struct {
		Replicas int `yaml:"replicas"`
		History  int `yaml:"revisionHistoryLimit"`
		Strategy struct {
			Type    string         `yaml:"type"`
			Rolling map[string]int `yaml:"rollingUpdate"`
		} `yaml:"strategy"`
		Selector labelled `yaml:"selector"`
		Template struct {
			Metadata meta `yaml:"metadata"`
			Spec     pod  `yaml:"spec"`
		} `yaml:"template"`
	} `yaml:"spec"`
}

type pod struct {
	Token        bool `yaml:"automountServiceAccountToken"`
	ServiceLinks bool `yaml:"enableServiceLinks"`
	Grace        int  `yaml:"terminationGracePeriodSeconds"`
	Affinity     struct {
		Anti struct {
			Required []struct {
				Topology string   `yaml:"topologyKey"`
				Selector labelled `yaml:"labelSelector"`
				Keys     []string `yaml:"matchLabelKeys"`
			} `yaml:"requiredDuringSchedulingIgnoredDuringExecution"`
		} `yaml:"podAntiAffinity"`
	} `yaml:"affinity"`
	Spread []struct {
		MaxSkew  int      `yaml:"maxSkew"`
		Topology string   `yaml:"topologyKey"`
		When     string   `yaml:"whenUnsatisfiable"`
		Selector labelled `yaml:"labelSelector"`
	} `yaml:"topologySpreadConstraints"`
	Security struct {
		NonRoot bool              `yaml:"runAsNonRoot"`
		User    int               `yaml:"runAsUser"`
		Group   int               `yaml:"runAsGroup"`
		Seccomp map[string]string `yaml:"seccompProfile"`
	} `yaml:"securityContext"`
	Containers []container `yaml:"containers"`
}

type port struct {
	Name          string `yaml:"name"`
	Port          int    `yaml:"port"`
	ContainerPort int    `yaml:"containerPort"`
	TargetPort    string `yaml:"targetPort"`
}

type probe struct {
	HTTP struct {
		Path string `yaml:"path"`
		Port string `yaml:"port"`
	} `yaml:"httpGet"`
	Period  int `yaml:"periodSeconds"`
	Timeout int `yaml:"timeoutSeconds"`
	Failure int `yaml:"failureThreshold"`
}

type container struct {
	Name    string   `yaml:"name"`
	Image   string   `yaml:"image"`
	Args    []string `yaml:"args"`
	Ports   []port   `yaml:"ports"`
	EnvFrom []struct {
		ConfigMap meta `yaml:"configMapRef"`
		Secret    meta `yaml:"secretRef"`
	} `yaml:"envFrom"`
	Liveness  probe `yaml:"livenessProbe"`
	Readiness probe `yaml:"readinessProbe"`
	Lifecycle struct {
		PreStop struct {
			Sleep struct {
				Seconds int `yaml:"seconds"`
			} `yaml:"sleep"`
		} `yaml:"preStop"`
	} `yaml:"lifecycle"`
	Resources struct {
		Requests map[string]string `yaml:"requests"`
		Limits   map[string]string `yaml:"limits"`
	} `yaml:"resources"`
	Security struct {
		Escalation   bool                `yaml:"allowPrivilegeEscalation"`
		ReadOnly     bool                `yaml:"readOnlyRootFilesystem"`
		Capabilities map[string][]string `yaml:"capabilities"`
	} `yaml:"securityContext"`
}

type budget struct {
	object `yaml:",inline"`
	Spec   struct {
		MinAvailable int      `yaml:"minAvailable"`
		Selector     labelled `yaml:"selector"`
		Eviction     string   `yaml:"unhealthyPodEvictionPolicy"`
	} `yaml:"spec"`
}

type serviceObject struct {
	object `yaml:",inline"`
	Spec   struct {
		Selector map[string]string `yaml:"selector"`
		Ports    []port            `yaml:"ports"`
	} `yaml:"spec"`
}

type rule struct {
	From []struct {
		Namespace labelled `yaml:"namespaceSelector"`
	} `yaml:"from"`
	To []struct {
		Namespace labelled `yaml:"namespaceSelector"`
	} `yaml:"to"`
	Ports []struct {
		Protocol string `yaml:"protocol"`
		Port     string `yaml:"port"`
	} `yaml:"ports"`
}

type networkPolicy struct {
	object `yaml:",inline"`
	Spec   struct {
		Pods    labelled `yaml:"podSelector"`
		Types   []string `yaml:"policyTypes"`
		Ingress []rule   `yaml:"ingress"`
		Egress  []rule   `yaml:"egress"`
	} `yaml:"spec"`
}

type kustomization struct {
	object    `yaml:",inline"`
	Namespace string              `yaml:"namespace"`
	Resources []string            `yaml:"resources"`
	Images    []map[string]string `yaml:"images"`
}

// manifest reads one file of deploy/kubernetes.
func manifest[T any](t *testing.T, name string) *T {
	t.Helper()
	into := new(T)
	decode(t, "deploy/kubernetes/"+name, into)
	return into
}

func TestKubernetesSetsWhatTheServerKnows(t *testing.T) {
	settings, secret := manifest[values](t, "settings.yaml"), manifest[values](t, "secret.example.yaml")
	if secret.StringData["GRANTOR_MASTER_KEY"] != "" {
		t.Error("the template holds a key, which somebody will use")
	}
	secret.StringData["GRANTOR_MASTER_KEY"] = testKey
	variables := maps.Clone(settings.Data)
	maps.Copy(variables, secret.StringData)
	wantSettings(t, variables)
	for _, from := range manifest[deployment](t, "deployment.yaml").Spec.Template.Spec.Containers[0].EnvFrom {
		if name := from.ConfigMap.Name + from.Secret.Name; name != settings.Metadata.Name || name != secret.Metadata.Name {
			t.Errorf("the pod reads %s, and there are %s and %s", name, settings.Metadata.Name, secret.Metadata.Name)
		}
	}
}

func TestKubernetesPodHasNoRights(t *testing.T) {
	p := manifest[deployment](t, "deployment.yaml").Spec.Template.Spec
	c := p.Containers[0]
	user, group, _ := strings.Cut(readImage(t).user, ":")
	if s := p.Security; !s.NonRoot || s.Seccomp["type"] != "RuntimeDefault" || fmt.Sprint(s.User) != user || fmt.Sprint(s.Group) != group {
		t.Errorf("%+v, and the image has %s:%s", s, user, group)
	}
	if s := c.Security; s.Escalation || !s.ReadOnly || !slices.Equal(s.Capabilities["drop"], []string{"ALL"}) {
		t.Errorf("%+v", s)
	}
	if p.Token || p.ServiceLinks {
		t.Error("the pod is given a token of the cluster, or variables of its services")
	}
	if c.Resources.Limits["memory"] == "" || c.Resources.Requests["memory"] == "" || c.Resources.Requests["cpu"] == "" {
		t.Errorf("resources %v", c.Resources)
	}
}

func TestKubernetesAsksAndStopsAsTheServerDoes(t *testing.T) {
	p := manifest[deployment](t, "deployment.yaml").Spec.Template.Spec
	c := p.Containers[0]
	if c.Liveness.HTTP.Path != "/healthz" || c.Readiness.HTTP.Path != "/readyz" {
		t.Errorf("alive is %s, ready is %s", c.Liveness.HTTP.Path, c.Readiness.HTTP.Path)
	}
	if c.Readiness.Timeout <= 2 {
		t.Error("the server asks its store for two seconds before it says that it is not ready")
	}
	ports := []string{c.Liveness.HTTP.Port, c.Readiness.HTTP.Port}
	for _, p := range manifest[serviceObject](t, "service.yaml").Spec.Ports {
		ports = append(ports, p.TargetPort)
	}
	for _, r := range manifest[networkPolicy](t, "network.yaml").Spec.Ingress {
		for _, p := range r.Ports {
			ports = append(ports, p.Port)
		}
	}
	for _, name := range ports {
		if !slices.ContainsFunc(c.Ports, func(p port) bool { return p.Name == name }) {
			t.Errorf("the container has no port %s", name)
		}
	}
	if listen := manifest[values](t, "settings.yaml").Data["GRANTOR_LISTEN"]; !strings.HasSuffix(listen, fmt.Sprint(":", c.Ports[0].ContainerPort)) {
		t.Errorf("it listens on %s and is asked at %d", listen, c.Ports[0].ContainerPort)
	}
	need := longestStop(t) + time.Duration(c.Lifecycle.PreStop.Sleep.Seconds)*time.Second
	if given := time.Duration(p.Grace) * time.Second; given <= need || c.Lifecycle.PreStop.Sleep.Seconds == 0 {
		t.Errorf("it is killed after %v and needs %v", given, need)
	}
}

// Where kubectl is, it puts the manifests together as `kubectl apply -k` would send them.
func TestKubernetesManifestsFitTogether(t *testing.T) {
	if _, err := exec.LookPath("kubectl"); err != nil {
		t.Skip("there is no kubectl here")
	}
	out, err := exec.Command("kubectl", "kustomize", top+"deploy/kubernetes").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var kinds []string
	for text := range strings.SplitSeq(string(out), "\n---\n") {
		var o object
		if err := yaml.Unmarshal([]byte(text), &o); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if kinds = append(kinds, o.Kind); o.Kind != "Namespace" && !strings.Contains(text+"\n", "\n  namespace: grantor\n") {
			t.Errorf("%s lies in no namespace of its own:\n%s", o.Kind, text)
		}
	}
	slices.Sort(kinds)
	if want := []string{"ConfigMap", "Deployment", "Namespace", "NetworkPolicy", "PodDisruptionBudget", "Service"}; !slices.Equal(kinds, want) {
		t.Errorf("%q, want %q: a secret is never among them", kinds, want)
	}
	if !strings.Contains(string(out), "image: registry.example.com/grantor:1.0.0\n") {
		t.Error("the image is not the one that kustomization.yaml names")
	}
}

func TestKubernetesKeepsOneOfTwoNodes(t *testing.T) {
	d := manifest[deployment](t, "deployment.yaml")
	b := manifest[budget](t, "disruption.yaml")
	if d.Spec.Replicas != 2 || b.Spec.MinAvailable != 1 || d.Spec.Strategy.Rolling["maxUnavailable"] != 0 {
		t.Errorf("%d replicas, %d stay, %v", d.Spec.Replicas, b.Spec.MinAvailable, d.Spec.Strategy)
	}
	pods := d.Spec.Template.Metadata.Labels
	anti := d.Spec.Template.Spec.Affinity.Anti.Required
	if len(anti) != 1 || anti[0].Topology != "kubernetes.io/hostname" {
		t.Fatalf("both may run on one machine: %+v", anti)
	}
	for what, selector := range map[string]map[string]string{
		"the deployment": d.Spec.Selector.MatchLabels, "the budget": b.Spec.Selector.MatchLabels, "anti-affinity": anti[0].Selector.MatchLabels,
		"the service": manifest[serviceObject](t, "service.yaml").Spec.Selector, "the network policy": manifest[networkPolicy](t, "network.yaml").Spec.Pods.MatchLabels,
		"the spread": d.Spec.Template.Spec.Spread[0].Selector.MatchLabels,
	} {
		if !maps.Equal(selector, pods) {
			t.Errorf("%s chooses %v, the pods have %v", what, selector, pods)
		}
	}
}

// The template of the secret is not applied with the rest.
func TestKustomizationNamesTheManifests(t *testing.T) {
	k := manifest[kustomization](t, "kustomization.yaml")
	entries, err := os.ReadDir(top + "deploy/kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{}
	for _, e := range entries {
		if e.Name() != "kustomization.yaml" && e.Name() != "secret.example.yaml" {
			want = append(want, e.Name())
		}
	}
	if got := slices.Sorted(slices.Values(k.Resources)); !slices.Equal(got, want) {
		t.Errorf("%v, and there are %v", got, want)
	}
	image := manifest[deployment](t, "deployment.yaml").Spec.Template.Spec.Containers[0].Image
	if k.Namespace != manifest[object](t, "namespace.yaml").Metadata.Name || k.Images[0]["name"] != image || k.Images[0]["newTag"] == "latest" {
		t.Errorf("namespace %s, images %v", k.Namespace, k.Images)
	}
}
