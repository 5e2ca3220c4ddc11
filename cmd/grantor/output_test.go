package main

import (
	"bytes"
	"testing"
)

func TestTablesAreAlignedAndHarmless(t *testing.T) {
	var b bytes.Buffer
	p := printer{out: &b}
	err := p.table([]string{"ID", "NAME"}, [][]string{{"demo-web", "Größe"}, {"x", "red\x1b[31m\nID  forged\u202e"}, {"y", ""}}, nil)
	want := "ID        NAME\ndemo-web  Größe\nx         red\uFFFD[31m\uFFFDID  forged\uFFFD\ny         -\n"
	if err != nil || b.String() != want {
		t.Errorf("%v\n%q\n%q", err, b.String(), want)
	}
}

func TestProgramsGetJSON(t *testing.T) {
	value := map[string]string{"uri": "http://a/?b=c&d=<e>", "name": "a\x1b"}
	want := "{\n  \"name\": \"a\\u001b\",\n  \"uri\": \"http://a/?b=c&d=<e>\"\n}\n"
	for name, print := range map[string]func(printer) error{
		"table":  func(p printer) error { return p.table([]string{"A"}, nil, value) },
		"record": func(p printer) error { return p.record([][]string{{"a", "b"}}, value) },
		"say":    func(p printer) error { return p.say("done", value) },
	} {
		var b bytes.Buffer
		if err := print(printer{&b, true}); err != nil || b.String() != want {
			t.Errorf("%s: %v %q", name, err, b.String())
		}
	}
}

func TestSentencesAreForPeople(t *testing.T) {
	var b bytes.Buffer
	if err := (printer{out: &b}).say("done", nil); err != nil || b.String() != "done\n" {
		t.Errorf("%v %q", err, b.String())
	}
	b.Reset()
	if err := (printer{&b, true}).say("done", nil); err != nil || b.Len() != 0 {
		t.Errorf("%v %q", err, b.String())
	}
}
