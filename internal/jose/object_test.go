package jose

import (
	"encoding/json"
	"fmt"
	"testing"
)

func TestMembersAreFoundWhereverTheyStand(t *testing.T) {
	object := " {\t\"a\" : \"x\\\"}{,:\" ,\n\"\\u0062\":[1,{\"c\":\"]\\\\\"},[]],\"n\":-1.5e3 ,\"t\":true,\"o\":{\"p\":{}},\"\":null}\r\n"
	var got string
	err := eachMember([]byte(object), func(name string, value []byte) error {
		got += fmt.Sprintf("<%s=%s>", name, value)
		return nil
	})
	want := `<a="x\"}{,:"><b=[1,{"c":"]\\"},[]]><n=-1.5e3><t=true><o={"p":{}}><=null>`
	if err != nil || got != want {
		t.Errorf("members %s, %v\n   want %s", got, err, want)
	}
}

// FuzzObject holds eachMember to what encoding/json reads.
func FuzzObject(f *testing.F) {
	for _, object := range []string{`{}`, `{"a":1}`, `{"a":"\u0000","b":[{"a":[]}],"c":-0.1e9}`, `{"a":1,"\u0061":2}`, `[]`, `{"a":{"a":"}"}}`} {
		f.Add([]byte(object))
	}
	f.Fuzz(func(t *testing.T, object []byte) {
		got := map[string]json.RawMessage{}
		err := eachMember(object, func(name string, value []byte) error {
			got[name] = value
			return nil
		})
		if err != nil {
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(object, &want); err != nil || len(got) != len(want) {
			t.Fatalf("%q: %d members, want %d, %v", object, len(got), len(want), err)
		}
		for name, value := range want {
			if string(got[name]) != string(value) {
				t.Fatalf("%q: %q = %q, want %q", object, name, got[name], value)
			}
		}
	})
}
