package account_test

import (
	"strings"
	"testing"
)

func TestAFormTokenIsBoundToBrowserAndPurpose(t *testing.T) {
	w, d := newDirectory(t)
	token := d.FormToken("browser", "login")
	if !w.node().CheckFormToken("browser", "login", token) {
		t.Error("another node refuses it")
	}
	for _, wrong := range [][3]string{
		{"other", "login", token}, {"browser", "consent", token}, {"browserl", "ogin", token}, {"", "login", token}, {"browser", "login", ""},
		{"browser", "login", token + "A"}, {"browser", "login", token[:42]}, {"browser", "login", strings.Repeat("A", 43)},
		{"", "login", d.FormToken("", "login")}, {"browser", "login", strings.Repeat("\x00", 1<<20)}, {"\xff", "login", token},
	} {
		if d.CheckFormToken(wrong[0], wrong[1], wrong[2]) {
			t.Errorf("accepted %.60q", wrong)
		}
	}
}
