package account

import (
	_ "embed"
	"fmt"
	"strings"
	"unicode/utf8"
)

// MinAdminPassword is how many characters the password of a super admin has at least.
const MinAdminPassword = 15

// What a password must be: long enough, valid UTF-8, and not one that everybody tries first. Which characters it is made
// of is nobody's business. It is compared byte for byte and never cut.
const (
	minPassword      = 8
	maxPasswordBytes = 1024
)

// origin says where a password comes from. One that the operator declares in a file is the operator's responsibility:
// only its length is checked.
type origin int

const (
	chosen origin = iota
	declared
)

//go:embed passwords.txt
var passwordList string

// commonPasswords are the passwords that guessers try first, in lower case.
var commonPasswords = func() map[string]bool {
	common := map[string]bool{}
	for _, word := range strings.Fields(passwordList) {
		common[word] = true
	}
	return common
}()

// isShort reports whether a password is too short for a super admin.
func isShort(password string) bool { return utf8.RuneCountInString(password) < MinAdminPassword }

// passwordFault tells in words what is wrong with a password for a user, "" if nothing.
func passwordFault(password string, u *User, from origin) string {
	least := minPassword
	if u.SuperAdmin && from == chosen {
		least = MinAdminPassword
	}
	switch {
	case len(password) > maxPasswordBytes:
		return fmt.Sprintf("A password has at most %d bytes.", maxPasswordBytes)
	case !utf8.ValidString(password):
		return "A password is valid UTF-8 text."
	case utf8.RuneCountInString(password) < least && u.SuperAdmin && least == MinAdminPassword:
		return fmt.Sprintf("The password of a super admin has at least %d characters.", least)
	case utf8.RuneCountInString(password) < least:
		return fmt.Sprintf("A password has at least %d characters.", least)
	case from == declared:
		return ""
	}
	lower := strings.ToLower(password)
	switch {
	case commonPasswords[lower]:
		return "This is one of the passwords that are tried first. Choose another."
	case lower == u.Username || u.Email != "" && lower == strings.ToLower(u.Email):
		return "A password differs from the user name and the e-mail address."
	}
	return ""
}
