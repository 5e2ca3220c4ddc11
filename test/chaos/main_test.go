// Package chaos runs many workers against the whole program while servers and stores are killed, and holds against it
// afterwards, and meanwhile, what it acknowledged: a ledger of each worker says of every token, code and client what must be
// true of it. What a request without an answer has done is unknown to the ledger until the server shows it.
//
// A process that is killed loses nothing that it has handed to the system: whether the disk has it before the answer is shown
// by the tests of store/bolt, not here.
package chaos

import (
	"os"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/authtest"
)

func TestMain(m *testing.M) { os.Exit(authtest.Main(m)) }

// manager is the client by which the workers register others.
const (
	manager       = "chaos-manager"
	managerSecret = "the-secret-of-the-manager-in-the-chaos"
)

// options are those of a server for a workload: what it issues outlives the test, and nothing is refused for coming too often.
// Without grace a used refresh token is never answered again.
func options(store string, grace time.Duration) authtest.Options {
	return authtest.Options{
		Store: store,
		Seed: authtest.Seed() + `  - client_id: ` + manager + `
    client_secret: ` + managerSecret + `
    grant_types: [client_credentials]
    permissions: [clients:view, clients:create, clients:edit, clients:delete]
`,
		Args: []string{
			"--limit-exempt", "127.0.0.0/8", "--refresh-grace", grace.String(), "--code-lifetime", "10m",
			"--access-token-lifetime", "24h",
		},
		Env: []string{"GRANTOR_TRACE_RATIO=0"},
	}
}
