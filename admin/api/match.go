package api

import (
	"errors"
	"strconv"
	"strings"

	"github.com/grantor-dev/grantor/store"
)

// RFC 9110 section 13: conditional requests. A resource's version in the store is its entity tag.

func etag(version uint64) string { return `"` + strconv.FormatUint(version, 36) + `"` }

// names reports whether a list of entity tags holds one; "*", which stands alone, is any.
func names(list, tag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if strings.Trim(one, " \t") == tag {
			return true
		}
	}
	return strings.Trim(list, " \t") == "*"
}

// isFresh reports whether a reader has this version already. It compares weakly (section 13.1.2).
func isFresh(ifNoneMatch, tag string) bool {
	return names(ifNoneMatch, tag) || names(ifNoneMatch, "W/"+tag)
}

// expected gives the version that a write must find, 0 for whatever is there. A weak tag never matches (section 13.1.1).
func expected(ifMatch string, version uint64) (uint64, error) {
	switch {
	case ifMatch == "", strings.Trim(ifMatch, " \t") == "*":
		return 0, nil
	case names(ifMatch, etag(version)):
		return version, nil
	}
	return 0, errStale
}

// asStale makes of a lost race what the writer was promised: with a version expected, the precondition failed.
func asStale(err error, expected uint64) error {
	if expected != 0 && errors.Is(err, store.ErrConflict) {
		return errors.Join(errStale, err)
	}
	return err
}
