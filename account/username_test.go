package account_test

import (
	"context"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

func TestSpellingsOfOneNameAreOneName(t *testing.T) {
	for want, spellings := range map[string][]string{
		"alice":   {"alice", "ALICE", " Alice\t", "\u00a0alice\u3000", "ａｌｉｃｅ", "ＡＬＩＣＥ", "ⓐⓛⓘⓒⓔ", "𝐚𝐥𝐢𝐜𝐞"},
		"jürgen":  {"jürgen", "JÜRGEN", "ju\u0308rgen", "JU\u0308RGEN"},
		"strasse": {"straße", "STRASSE", "STRAẞE"},
		"σοφοσ":   {"σοφος", "ΣΟΦΟΣ", "σοφοσ"},
		"kelvin":  {"\u212Aelvin"},
		"file":    {"ﬁle"},
	} {
		for _, s := range spellings {
			if got, ok := account.CanonicalUsername(s); !ok || got != want {
				t.Errorf("%+q is %+q, %v; want %+q", s, got, ok, want)
			}
		}
	}
}

func TestDeceptiveNamesAreRefused(t *testing.T) {
	for _, s := range []string{
		"", "   ", "a b", "a\x00b", "a\x00", "a\nb", "a\u200bb", "a\u200db", "a\u00adb", "\u202ealice", "al\u2066ice", "a\ufeffb",
		"a\u034fb", "a\ufe0fb", "a\U000e0001b", "a\U000e0100b", "a\u3164b", "a\u115fb", "a\u17b4b", "\xff\xfe", "a\xc3",
		"\u0430lice", "p\u0430yp\u0430l", "\u03b1lice", "\u13aalice", "alic\u0435", "αлice", "a/b", "a\\b", "a:b", "a'b", `a"b`, "a<b>",
		"a\u2028b", "\u0301a", "1\u0301", ".\u0301", "a\ue000b", "\u0378", "😀", strings.Repeat("a", 65), strings.Repeat("a", 257),
		strings.Repeat("ﷺ", 5), "a\ufffd",
	} {
		if got, ok := account.CanonicalUsername(s); ok {
			t.Errorf("%+q is accepted as %+q", s, got)
		}
	}
}

func TestNamesOfTheWorldAreAccepted(t *testing.T) {
	for _, s := range []string{
		"a", strings.Repeat("a", 64), strings.Repeat("漢", 64), "a.b_c-d+e@example.com", "7", "иван", "ελένη", "محمد", "हिन्दी",
		"山田たろう", "yamada太郎", "김철수", "นครปฐม", "user42", "אבג1",
	} {
		if _, ok := account.CanonicalUsername(s); !ok {
			t.Errorf("%+q is refused", s)
		}
	}
}

func TestOneAccountForAllSpellings(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	u := create(t, d, account.NewUser{Username: " JÜRGEN "})
	if u.Username != "jürgen" {
		t.Fatalf("stored as %q", u.Username)
	}
	for _, s := range []string{"jürgen", "Jürgen", "JU\u0308RGEN", "ｊürgen"} {
		_, err := d.CreateUser(ctx, account.NewUser{Username: s, Password: goodPassword})
		wantField(t, err, "username")
		found, err := d.UserByName(ctx, s)
		ok(t, err)
		if found.ID != u.ID {
			t.Errorf("%+q is somebody else", s)
		}
		ok(t, login(d, s, goodPassword))
	}
	_, err := d.UserByName(ctx, "jurgen")
	wantErr(t, err, store.ErrNotFound)
}

func FuzzCanonicalUsername(f *testing.F) {
	for _, s := range []string{"alice", "ΣΟΦΟΣ", "İ", "ﬁ", "\xff", "a\u0345", "ǰ", "ΐ", "ᾳ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, fine := account.CanonicalUsername(s)
		if !fine {
			return
		}
		again, fine := account.CanonicalUsername(name)
		if !fine || again != name {
			t.Fatalf("%+q becomes %+q becomes %+q, %v", s, name, again, fine)
		}
		if len(name) > store.MaxID || strings.ContainsAny(name, "\x00 \n\u200b\u202e") {
			t.Fatalf("%+q is accepted", name)
		}
	})
}

// TestNoUserNameIsAnID: where an id or a name may be given, each means one user only.
func TestNoUserNameIsAnID(t *testing.T) {
	ctx := context.Background()
	_, d := newDirectory(t)
	u := create(t, d, account.NewUser{Username: "usr_alice"})
	for _, bad := range []string{u.ID, strings.ToUpper(u.ID), "grp_" + strings.Repeat("0", 32)} {
		_, err := d.CreateUser(ctx, account.NewUser{Username: bad, Password: goodPassword})
		wantField(t, err, "username")
		_, err = d.UpdateUser(ctx, u.ID, 0, func(u *account.User) error { u.Username = bad; return nil })
		wantField(t, err, "username")
	}
}

// TestANameThatIsTakenBackMeanwhileStaysItsUsers renames a user back while another node has not given the old name up yet.
func TestANameThatIsTakenBackMeanwhileStaysItsUsers(t *testing.T) {
	ctx := context.Background()
	w := newWorld()
	other := w.node()
	u := create(t, other, account.NewUser{Username: "old"})
	g := createGroup(t, other, account.NewGroup{Name: "old"})
	back := map[string]func() error{
		"user": func() error {
			_, err := other.UpdateUser(ctx, u.ID, 0, func(u *account.User) error { u.Username = "old"; return nil })
			return err
		},
		"group": func() error {
			_, err := other.UpdateGroup(ctx, g.ID, 0, func(g *account.Group) error { g.Name = "old"; return nil })
			return err
		},
	}
	var calls []string
	d := w.over(&watched{Backend: w.store, fail: func(verb, kind string) error {
		for of, rename := range back {
			if kind != of+"_name" {
				continue
			}
			calls = append(calls, verb)
			if len(calls) == 4 { // create, get and swap are of the new name, this get is of the old one
				return rename()
			}
		}
		return nil
	}})
	_, err := d.UpdateUser(ctx, u.ID, 0, func(u *account.User) error { u.Username = "new"; return nil })
	ok(t, err)
	calls = nil
	_, err = d.UpdateGroup(ctx, g.ID, 0, func(g *account.Group) error { g.Name = "new"; return nil })
	ok(t, err)
	_, err = d.CreateUser(ctx, account.NewUser{Username: "old", Password: goodPassword})
	wantField(t, err, "username")
	_, err = d.CreateGroup(ctx, account.NewGroup{Name: "old"})
	wantField(t, err, "name")
	found, err := d.UserByName(ctx, "old")
	ok(t, err)
	if found.ID != u.ID {
		t.Errorf("the name is of %s", found.ID)
	}
}
