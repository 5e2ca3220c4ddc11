package server

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

// encoded is what encoding/json writes, without the end of the line.
func encoded(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimRight(b.Bytes(), "\n"))
}

var hardTexts = []string{
	"", "a", `"`, `\`, "a\nb", "\x00\x1f", "\x7f", "<a href='x'>&", "ü", "\u2028\u2029", "\xff\xfe", "😀", "https://api.example.com/?a=b&c=d",
}

// Each field is set to each text by itself and together with all others: one that the lean form does not know is missing
// from it.
func TestLeanAnswersAreWhatJSONWouldWrite(t *testing.T) {
	for _, kind := range []reflect.Type{reflect.TypeFor[tokenAnswer](), reflect.TypeFor[introspection]()} {
		for _, text := range hardTexts {
			all := reflect.New(kind).Elem()
			for i := range kind.NumField() {
				one := reflect.New(kind).Elem()
				for _, v := range []reflect.Value{one.Field(i), all.Field(i)} {
					switch v.Kind() {
					case reflect.String:
						v.SetString(text)
					case reflect.Int64:
						v.SetInt(-1 << 62)
					case reflect.Bool:
						v.SetBool(true)
					case reflect.Interface:
						v.Set(reflect.ValueOf(text))
					default:
						t.Fatalf("%s.%s: say here how a %s is filled", kind.Name(), kind.Field(i).Name, v.Type())
					}
				}
				sameJSON(t, one.Interface())
			}
			sameJSON(t, all.Interface())
		}
	}
	for _, audience := range []any{nil, "a", []string{"a", "ü"}, []string{}, audience(nil), audience([]string{"a"}), audience([]string{"a", "b"})} {
		sameJSON(t, introspection{Active: true, Audience: audience})
	}
}

func sameJSON(t *testing.T, v any) {
	t.Helper()
	if got, want := string(v.(leanAnswer).appendJSON(nil)), encoded(t, v); got != want {
		t.Errorf("wrote %s\nwant  %s", got, want)
	}
}

func FuzzText(f *testing.F) {
	for _, s := range hardTexts {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := string(appendText(nil, s)), encoded(t, s); got != want {
			t.Errorf("wrote %s\nwant  %s", got, want)
		}
	})
}

func BenchmarkAnswer(b *testing.B) {
	answer := introspection{
		Active: true, Scope: "profile api:read api:write", ClientID: "client", TokenType: "Bearer", TokenUse: "access_token", Expires: 1, Issued: 1,
		Subject: "client", Audience: "https://api.example.com", Issuer: "https://login.example.com", ID: "019ab0c1d2e37f4a8b5c6d7e8f901234.AAABlzq",
	}
	b.Run("lean", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = answer.appendJSON(make([]byte, 0, leanSize))
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var body bytes.Buffer
			encoder := json.NewEncoder(&body)
			encoder.SetEscapeHTML(false)
			_ = encoder.Encode(answer)
		}
	})
}
