package server

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// prefers reports whether the Accept header of a request names a media type, and weighs it no less than the usual one
// (RFC 9110 section 12.5.1). Who does not ask by name gets what is usual, and so does who asks for nothing that is there.
func prefers(r *http.Request, named, usual string) bool {
	if len(r.Header["Accept"]) == 0 {
		return false
	}
	wanted, whole, group, anything := -1.0, -1.0, -1.0, -1.0
	family, _, _ := strings.Cut(usual, "/")
	for _, line := range r.Header["Accept"] {
		for element := range strings.SplitSeq(line, ",") {
			media, weight, ok := mediaRange(element)
			if !ok {
				continue
			}
			switch media {
			case named:
				wanted = max(wanted, weight)
			case usual:
				whole = max(whole, weight)
			case family + "/*":
				group = max(group, weight)
			case "*/*":
				anything = max(anything, weight)
			}
		}
	}
	for _, weight := range []float64{whole, group, anything} { // the most specific one counts
		if weight >= 0 {
			return wanted > 0 && wanted >= weight
		}
	}
	return wanted > 0
}

// mediaRange reads an element of Accept. One with parameters beside its weight is for a representation that is not here.
func mediaRange(element string) (media string, weight float64, ok bool) {
	media, parameters, err := mime.ParseMediaType(element)
	if err != nil {
		return "", 0, false
	}
	q, weighed := parameters["q"]
	if !weighed {
		return media, 1, len(parameters) == 0
	}
	weight, err = strconv.ParseFloat(q, 64)
	return media, weight, err == nil && weight >= 0 && weight <= 1 && len(parameters) == 1
}
