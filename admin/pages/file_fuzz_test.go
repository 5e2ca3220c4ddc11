package pages

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// FuzzClientFile: a file that is read is JSON, comes back as it was when it is written again, and a fault names no value.
func FuzzClientFile(f *testing.F) {
	for _, seed := range []string{
		`{"clients":[]}`, `{"clients":[{"client_id":"a","redirect_uris":["https://a.example/"]}]}`, `{"clients":[{"client_id":"a","client_secret":"b","disabled":true}]}`,
		`{"clients":[null]}`, `{"clients":[{"client_id":1}]}`, `{"clients":[]} x`, `{"clients":[{"x":1}]}`, `{}`, `null`, `[]`, "\ufeff{}", `{"clients":[{"scope":"a  a","access_token_lifetime":"1h"}]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, fault := readClientFile(text)
		if (file == nil) != (fault != "") {
			t.Fatalf("%q is %v, %q", text, file, fault)
		}
		if file == nil {
			return
		}
		if !json.Valid([]byte(text)) || len(file.Clients) > maxImported {
			t.Errorf("%q is taken for a file", text)
		}
		written, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		again, fault := readClientFile(string(written))
		if fault != "" {
			t.Fatalf("%q is written as %q: %s", text, written, fault)
		}
		if twice, _ := json.Marshal(again); !reflect.DeepEqual(twice, written) {
			t.Errorf("%q is written as %q, then as %q", text, written, twice)
		}
	})
}

// FuzzClientFileFaults: what is wrong with a file is told without the values in it, which may be secrets.
func FuzzClientFileFaults(f *testing.F) {
	const hush = "hush-hush"
	for _, seed := range [][2]string{{`{"clients":[{"client_secret":"`, `"}]}`}, {`{"clients":"`, `"}`}, {`"`, `"`}, {`{"clients":[{"redirect_uris":"`, `"}]}`}, {`{"clients":[{"access_token_lifetime":"`, `"}]}`}, {`{"clients":[]}`, ""}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, before, behind string) {
		text := before + hush + behind
		_, fault := readClientFile(text)
		if !strings.Contains(fault, hush) || strings.Contains(fault, "duration") { // a lifetime may be told
			return
		}
		for _, name := range namesIn(text) {
			if strings.Contains(name, hush) {
				return // of a field, which is told
			}
		}
		t.Errorf("%q: %s", text, fault)
	})
}

// namesIn gives the names of all members of the objects in a text, as far as it is JSON.
func namesIn(text string) (names []string) {
	decoder := json.NewDecoder(strings.NewReader(text))
	var open []bool // whether each object awaits a name; arrays never do
	var kinds []json.Delim
	for {
		token, err := decoder.Token()
		if err != nil {
			return names
		}
		top := len(kinds) - 1
		if delim, is := token.(json.Delim); is && (delim == '}' || delim == ']') {
			kinds, open = kinds[:top], open[:top]
			top--
		} else if name, is := token.(string); is && top >= 0 && kinds[top] == '{' && open[top] {
			names, open[top] = append(names, name), false
			continue
		} else if is := token == json.Delim('{') || token == json.Delim('['); is {
			kinds, open = append(kinds, token.(json.Delim)), append(open, true)
			continue
		}
		if top >= 0 {
			open[top] = true // the value is over
		}
	}
}
