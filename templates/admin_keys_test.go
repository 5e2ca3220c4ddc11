package templates

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// keySamples are the pages of the area Keys, filled with hostile values.
func keySamples() []any {
	a := hostileAdmin()
	a.Section = "keys"
	return []any{
		AdminKeys{Admin: a, CanRotate: true, Several: true, Published: "/jwks", Rings: []KeyRing{
			{Algorithm: "ES256", Words: hostile, Wait: demoNow.Add(time.Minute), Due: demoNow.Add(time.Hour), Keys: []KeyLine{
				{ID: "a", State: KeyCurrent, Created: demoNow, From: demoNow, Until: demoNow}, {ID: "b", State: KeyNext, Created: demoNow},
				{ID: "c", State: KeyRetired, Created: demoNow, From: demoNow, Until: demoNow, Gone: demoNow},
			}},
			{Algorithm: "EdDSA", Words: hostile},
		}},
		AdminKeys{Admin: a},
		AdminKeyRotate{Admin: a, Algorithm: "ES256", Fault: hostile},
		AdminKeyRotate{Admin: a, Wait: demoNow.Add(time.Minute)},
		AdminKeyWithdraw{Admin: a, Key: hostile, Kept: 5, Keys: []KeyLine{{ID: hostile, State: KeyCurrent}}},
		AdminKeyWithdraw{Admin: a, Algorithm: hostile, Keys: []KeyLine{{ID: "a", State: KeyRetired}, {ID: "b", State: KeyNext}}},
		AdminKeyWithdraw{Admin: a},
	}
}

func TestKeysThatCannotBeRotatedYetHaveNoForm(t *testing.T) {
	for wait, forms := range map[time.Time]int{{}: 1, demoNow.Add(time.Minute): 0} {
		var page bytes.Buffer
		if err := parse(t).Render(&page, AdminKeyRotate{Wait: wait}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(page.String(), `method="post"`); got != forms {
			t.Errorf("wait until %s: %d forms", wait, got)
		}
	}
}
