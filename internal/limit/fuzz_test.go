package limit

import (
	"strings"
	"testing"
)

// FuzzParse: what is read is written so that it is read again, is in bounds, and changes nothing that was not named.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"page=20/200", "token=off", "page=1/2 page=1/2", "page=NaN/1", "page=0x1p-3/9", "page=1e6/1e7", "page=0.0003/1", "admin=1_0/5", "=", "feed=/", "stranger=+1/+1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		words := strings.Fields(text)
		table, err := Parse(words)
		if err != nil {
			return
		}
		again, err := Parse(strings.Split(table.String(), ", "))
		if err != nil || again != table {
			t.Errorf("%q is written as %q, which is read as %q, %v", text, table, again, err)
		}
		for c, rate := range table {
			named := strings.Contains(" "+text, Class(c).String()+"=")
			if !named && rate != Default()[c] {
				t.Errorf("%q changes %s to %s", text, Class(c), rate)
			}
			if rate != (Rate{}) && !(rate.PerSecond >= minPerSecond && rate.PerSecond <= maxPerSecond && rate.Burst >= 1 && rate.Burst <= maxBurst) {
				t.Errorf("%q gives %s %s", text, Class(c), rate)
			}
		}
	})
}
