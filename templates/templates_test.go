package templates

import "testing"

func TestPagesParse(t *testing.T) {
	if _, err := Parse(); err != nil {
		t.Fatal(err)
	}
}
