package grpcprotect

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc"
)

// Options say what the methods of a server need. Methods are named in full, as gRPC does: "/package.Service/Method". With
// the zero value each needs a good token of whatever scope. Options must not be changed once interceptors are made of them.
type Options struct {
	// Methods gives the scopes that a token needs for a method: all of them.
	Methods map[string][]string
	// Default are the scopes for methods that Methods does not name.
	Default []string
	// Open names the methods that need no token. Their handlers see none, even where one was sent.
	Open []string
	// WholeStream checks the token of a stream at each message, not only when the stream begins.
	WholeStream bool
}

// Check finds names in the options that the server does not serve, and methods that are both open and given scopes. Call
// it once all services are registered: a misspelt method would be guarded by Default alone.
func (o Options) Check(server *grpc.Server) error {
	served := map[string]bool{}
	for service, info := range server.GetServiceInfo() {
		for _, method := range info.Methods {
			served["/"+service+"/"+method.Name] = true
		}
	}
	var faults []string
	for method := range o.Methods {
		if !served[method] {
			faults = append(faults, method+" is not served")
		}
		if slices.Contains(o.Open, method) {
			faults = append(faults, method+" is open and needs scopes at once")
		}
	}
	for _, method := range o.Open {
		if !served[method] {
			faults = append(faults, method+" is not served")
		}
	}
	if len(faults) == 0 {
		return nil
	}
	slices.Sort(faults)
	return fmt.Errorf("check which methods are guarded: %s", strings.Join(slices.Compact(faults), "; "))
}

// scopes gives what a token needs for a method.
func (o Options) scopes(method string) []string {
	if scopes, named := o.Methods[method]; named {
		return scopes
	}
	return o.Default
}

func (o Options) isOpen(method string) bool { return slices.Contains(o.Open, method) }
