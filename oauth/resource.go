package oauth

import (
	"fmt"
	"net/url"
	"slices"
)

// RFC 8707: resource indicators.

const resourceSource = "RFC 8707 section 2"

// maxResources bounds the resource parameters of one request.
const maxResources = 20

// isResource reports whether s can name a resource: an absolute URI without a fragment (RFC 8707 section 2).
func isResource(s string) bool {
	if checkURISpelling(s) != nil {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && u.IsAbs() && u.User == nil && u.Fragment == "" && s[len(s)-1] != '#'
}

// narrowAudience gives the audience of a request that names resources: those, if all of them are allowed; all that is
// allowed where it names none.
func narrowAudience(allowed, resources []string) ([]string, error) {
	if len(resources) > maxResources {
		return nil, refuse(InvalidTarget, "too many resources").
			By(fmt.Sprintf("a request names at most %d resources", maxResources), resourceSource).Saying(fmt.Sprintf("it names %d", len(resources)))
	}
	resources = slices.DeleteFunc(slices.Clone(resources), func(s string) bool { return s == "" }) // absent, RFC 6749 section 3.1
	if len(resources) == 0 {
		return allowed, nil
	}
	var audience []string
	for _, resource := range resources {
		if !isResource(resource) {
			return nil, refuse(InvalidTarget, "resource must be an absolute URI without a fragment").
				By("resource is an absolute URI without a fragment", resourceSource).But(func() string { return "got " + sentURI(resource) })
		}
		if !slices.Contains(allowed, resource) {
			return nil, refuse(InvalidTarget, "resource is not one that this client may ask for").
				By("resource is one that the client may ask for", resourceSource).But(func() string { return nearResource(allowed, resource) })
		}
		if !slices.Contains(audience, resource) {
			audience = append(audience, resource)
		}
	}
	return audience, nil
}
