package account

import (
	"net/mail"
	"strings"
	"testing"
	"unicode"
)

// FuzzEmail: what is taken for an address has one mailbox in every reader of mail, and no two spellings that are told apart.
func FuzzEmail(f *testing.F) {
	for _, s := range []string{"a@b.example", "A@B.EXAMPLE", "a@b@c", "a b@c", "<a@b>", "a@b.", "ü@ß.example", "a@b,c@d", "a\r\nBcc:@b", "İ@i", "a@\u00adb", "=?utf-8?q?a?=@b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if key := emailKey(s); emailKey(key) != key {
			t.Errorf("%q is known as %q, and that as %q", s, key, emailKey(key))
		}
		if !plausibleEmail(s) {
			return
		}
		if strings.Count(s, "@") != 1 || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
			t.Errorf("%q is taken for an address", s)
		}
		if list, err := mail.ParseAddressList(s); err == nil && (len(list) != 1 || list[0].Address != s) {
			t.Errorf("%q is read as %v by others", s, list)
		}
	})
}
