package deploy

import (
	"os/exec"
	"strings"
	"testing"
	"time"
)

// unit gives the lines of deploy/grantor.service, comments left out.
func unit(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for line := range strings.SplitSeq(read(t, "deploy/grantor.service"), "\n") {
		if name, value, is := strings.Cut(line, "="); is && !strings.HasPrefix(line, "#") {
			found[name] = append(found[name], value)
		}
	}
	return found
}

func TestUnitSetsWhatTheServerKnows(t *testing.T) {
	variables := map[string]string{}
	for _, pair := range unit(t)["Environment"] {
		name, value, _ := strings.Cut(pair, "=")
		variables[name] = value
	}
	wantSettings(t, variables)
	if state := "/var/lib/" + unit(t)["StateDirectory"][0] + "/"; !strings.HasPrefix(variables["GRANTOR_STORE"], "bolt:"+state) {
		t.Errorf("the store %s is not in %s, which alone is writable", variables["GRANTOR_STORE"], state)
	}
}

func TestUnitLetsTheServerFinish(t *testing.T) {
	stop, err := time.ParseDuration(unit(t)["TimeoutStopSec"][0] + "s")
	if err != nil || stop <= longestStop(t) {
		t.Errorf("it is killed after %v and needs %v; %v", stop, longestStop(t), err)
	}
}

func TestUnitIsHardened(t *testing.T) {
	u := unit(t)
	for name, want := range map[string]string{
		"User": "grantor", "CapabilityBoundingSet": "", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes",
		"PrivateDevices": "yes", "MemoryDenyWriteExecute": "yes", "RestrictNamespaces": "yes", "SystemCallArchitectures": "native", "UMask": "0077",
		"StateDirectoryMode": "0700", "LimitCORE": "0",
	} {
		if len(u[name]) != 1 || u[name][0] != want {
			t.Errorf("%s=%v, want %s", name, u[name], want)
		}
	}
	if got := strings.Join(u["SystemCallFilter"], " "); got != "@system-service ~@privileged @resources" {
		t.Errorf("SystemCallFilter=%s", got)
	}
}

// Where systemd is, it reads the unit.
func TestUnitIsReadBySystemd(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("there is no systemd here")
	}
	out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold=20", top+"deploy/grantor.service").CombinedOutput()
	if err != nil {
		t.Errorf("exposed more than 2.0 of 10: %v\n%s", err, out)
	}
}
