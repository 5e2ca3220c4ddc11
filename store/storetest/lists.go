package storetest

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// all walks through the pages of a tag and checks what every page promises.
func (s suite) all(t *testing.T, kind store.Kind, tag string, limit int) []string {
	t.Helper()
	var ids []string
	for cursor := ""; ; {
		page, next, err := s.List(t.Context(), kind, tag, cursor, limit)
		if err != nil {
			t.Fatalf("list %s behind %q: %v", kind.Name, cursor, err)
		}
		if len(page) > limit {
			t.Fatalf("page of %d records, limit %d", len(page), limit)
		}
		for _, r := range page {
			if r.ID <= cursor || len(ids) > 0 && r.ID <= ids[len(ids)-1] {
				t.Fatalf("%q is listed out of order", r.ID)
			}
			if r.Kind != kind || r.Version == 0 || tag != "" && !slices.Contains(r.Tags, tag) {
				t.Fatalf("record %q under tag %q is %+v", r.ID, tag, r)
			}
			ids = append(ids, r.ID)
		}
		if next == "" {
			return ids
		}
		if next <= cursor {
			t.Fatalf("cursor %q follows %q", next, cursor)
		}
		cursor = next
	}
}

// lists checks that exactly these ids are under a tag.
func (s suite) lists(t *testing.T, kind store.Kind, tag string, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := s.all(t, kind, tag, 7); !slices.Equal(got, want) {
		t.Fatalf("tag %q lists %q, want %q", tag, got, want)
	}
}

func testLists(t *testing.T, s suite) {
	s.each(t, "nothing under an unknown tag", func(t *testing.T, kind store.Kind) {
		s.lists(t, kind, fresh("tag"))
	})
	s.each(t, "pages in the order of ids", func(t *testing.T, kind store.Kind) {
		tag, other := fresh("tag"), fresh("tag")
		var want []string
		for i := range 25 {
			id := fresh(fmt.Sprintf("%c", 'A'+(i*7)%60))
			s.create(t, store.Record{Kind: kind, ID: id, Value: []byte(id), Tags: []string{other, tag}})
			want = append(want, id)
		}
		slices.Sort(want)
		for _, limit := range []int{1, 2, 5, 24, 25, 26, 1000} {
			if got := s.all(t, kind, tag, limit); !slices.Equal(got, want) {
				t.Fatalf("by %d: %q, want %q", limit, got, want)
			}
		}
		page, next, err := s.List(t.Context(), kind, tag, want[9], 3)
		if err != nil || len(page) != 3 || page[0].ID != want[10] || next != want[12] || string(page[0].Value) != want[10] {
			t.Fatalf("behind %q: %d records, next %q, %v", want[9], len(page), next, err)
		}
		page, next, err = s.List(t.Context(), kind, tag, want[24]+"z", 3)
		if err != nil || len(page) != 0 || next != "" {
			t.Fatalf("behind the last: %d records, next %q, %v", len(page), next, err)
		}
	})
	s.each(t, "writes between pages", func(t *testing.T, kind store.Kind) {
		tag, base := fresh("tag"), fresh("id")
		id := func(i int) string { return fmt.Sprintf("%s-%02d", base, i) }
		put := func(i int) { s.create(t, store.Record{Kind: kind, ID: id(i), Tags: []string{tag}}) }
		for i := 10; i < 30; i += 2 {
			put(i)
		}
		page, next, err := s.List(t.Context(), kind, tag, "", 4) // 10 12 14 16
		if err != nil || len(page) != 4 || next != id(16) {
			t.Fatalf("first page: %d records, next %q, %v", len(page), next, err)
		}
		put(11) // behind us
		put(17)
		s.take(t, kind, id(16)) // the cursor itself
		s.take(t, kind, id(18))
		s.take(t, kind, id(28)) // the last
		var got []string
		for next != "" {
			if page, next, err = s.List(t.Context(), kind, tag, next, 4); err != nil {
				t.Fatal(err)
			}
			for _, r := range page {
				got = append(got, r.ID)
			}
		}
		if want := []string{id(17), id(20), id(22), id(24), id(26)}; !slices.Equal(got, want) {
			t.Fatalf("then %q, want %q", got, want)
		}
	})
	s.each(t, "what was taken is not listed", func(t *testing.T, kind store.Kind) {
		tag := fresh("tag")
		r := s.create(t, store.Record{Kind: kind, ID: fresh("id"), Tags: []string{tag}})
		s.lists(t, kind, tag, r.ID)
		s.take(t, kind, r.ID)
		s.lists(t, kind, tag)
		s.create(t, r)
		s.lists(t, kind, tag, r.ID)
	})
	s.each(t, "what has expired is not listed", func(t *testing.T, kind store.Kind) {
		tag := fresh("tag")
		stays := s.create(t, store.Record{Kind: kind, ID: fresh("id"), Tags: []string{tag}, Expires: time.Now().Add(time.Hour)})
		s.create(t, store.Record{Kind: kind, ID: fresh("id"), Tags: []string{tag}, Expires: time.Now().Add(-time.Second)})
		s.lists(t, kind, tag, stays.ID)
	})
	s.each(t, "an expired record leaves its old tags", func(t *testing.T, kind store.Kind) {
		tag, other := fresh("tag"), fresh("tag")
		r := s.create(t, store.Record{Kind: kind, ID: fresh("id"), Tags: []string{tag}, Expires: time.Now().Add(-time.Second)})
		s.create(t, store.Record{Kind: kind, ID: r.ID, Tags: []string{other}})
		s.lists(t, kind, tag)
		s.lists(t, kind, other, r.ID)
	})
	s.each(t, "tags do not touch each other", func(t *testing.T, kind store.Kind) {
		base := fresh("tag")
		tags := oddNames(base)
		var ids []string
		for _, tag := range tags {
			id := fresh("id")
			s.create(t, store.Record{Kind: kind, ID: id, Tags: []string{tag}})
			ids = append(ids, id)
		}
		for i, tag := range tags {
			s.lists(t, kind, tag, ids[i])
		}
	})
	s.each(t, "a tag given twice lists once", func(t *testing.T, kind store.Kind) {
		tag := fresh("tag")
		r := s.create(t, store.Record{Kind: kind, ID: fresh("id"), Tags: []string{tag, tag}})
		s.lists(t, kind, tag, r.ID)
		s.take(t, kind, r.ID)
		s.lists(t, kind, tag)
	})
	s.each(t, "as many tags as allowed", func(t *testing.T, kind store.Kind) {
		r := store.Record{Kind: kind, ID: fresh("id")}
		for range store.MaxTags {
			r.Tags = append(r.Tags, fresh("tag"))
		}
		s.create(t, r)
		for _, tag := range r.Tags {
			s.lists(t, kind, tag, r.ID)
		}
		r.ID, r.Tags = fresh("id"), append(r.Tags, fresh("tag"))
		_, err := s.Create(t.Context(), r)
		wantError(t, err, store.ErrTooLarge)
	})
	t.Run("a small kind lists everything", func(t *testing.T) {
		kind := store.Kind{Name: "suite_" + strings.ToLower(fresh("all")[4:14])} // its own, for it must be empty
		kind.Name = strings.Map(lettersOnly, kind.Name)
		s.lists(t, kind, "")
		var want []string
		for i := range 20 {
			r := store.Record{Kind: kind, ID: fresh("id"), Expires: time.Now().Add(time.Hour)}
			if i%2 == 0 {
				r.Tags = []string{"even"}
			}
			want = append(want, s.create(t, r).ID)
		}
		s.lists(t, kind, "", want...)
		sort.Strings(want)
		r, err := s.Get(t.Context(), kind, want[3])
		if err != nil {
			t.Fatal(err)
		}
		s.swap(t, r, store.Record{Kind: kind, ID: r.ID, Value: []byte("changed")})
		s.take(t, kind, want[0])
		s.create(t, store.Record{Kind: kind, ID: fresh("id"), Expires: time.Now().Add(-time.Second)})
		s.lists(t, kind, "", want[1:]...)
	})
	s.each(t, "what changes is listed all the while", func(t *testing.T, kind store.Kind) {
		tag := fresh("tag")
		r := s.create(t, store.Record{Kind: kind, ID: fresh("id"), Tags: []string{tag, fresh("first")}, Expires: time.Now().Add(time.Hour)})
		changed := make(chan struct{})
		go func() {
			defer close(changed)
			for began := time.Now(); time.Since(began) < 300*time.Millisecond; {
				next := store.Record{Kind: kind, ID: r.ID, Tags: []string{tag, fresh("other")}, Expires: r.Expires}
				version, err := s.Swap(t.Context(), r, next)
				if err != nil {
					t.Error(err)
					return
				}
				r, r.Version = next, version
			}
		}()
		for going := true; going; {
			select {
			case <-changed:
				going = false
			default:
			}
			if ids := s.all(t, kind, tag, 7); len(ids) != 1 {
				<-changed
				t.Fatalf("lists %q", ids)
			}
		}
	})
	t.Run("a spread kind is listed by tag only", func(t *testing.T) {
		if _, _, err := s.List(t.Context(), hot, "", "", 10); err == nil || store.IsUnavailable(err) {
			t.Fatalf("list without a tag: %v, want a plain error", err)
		}
	})
}

func lettersOnly(r rune) rune {
	if r >= '0' && r <= '9' {
		return r - '0' + 'a'
	}
	return r
}

// oddNames gives names, unlike each other, with the characters that stores give a meaning.
func oddNames(base string) []string {
	names := []string{base, base + " ", base + "/", base + "/x", base + ":", base + ":x", base + "{", base + "}", base + "{}",
		base + "{x}", base + "}x", "}" + base, "{" + base + "}", "{}" + base, base + "*", base + "?", base + "[a]", base + "'",
		base + `"`, base + `\`, base + "\r\n", base + "\t", base + "%00", base + "é", base + "e\u0301", base + "日本", base + "🙂",
		base + "\xff\xfe", base + "\x01", strings.ToLower(base) + "A", strings.ToLower(base) + "a"}
	long := base + strings.Repeat("x", store.MaxID-len(base)-1)
	return append(names, long+"a", long+"b")
}
