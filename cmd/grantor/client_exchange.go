package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/admin/api"
)

func (c *command) clientExport() *cobra.Command {
	return &cobra.Command{
		Use:   "export",
		Short: "Print all clients as JSON that import and apply read",
		Long: "Print all clients but the server's own as JSON, in the form that `grantor client import` and `grantor apply` read. Secrets are stored as\n" +
			"hashes and are not in it.",
		Example: "  grantor client export >clients.json",
		Args:    takes(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
				var file api.ClientFile
				if err := r.get(ctx, "/export/clients", &file); err != nil {
					return err
				}
				return c.printer(cmd).json(file)
			})
		},
	}
}

func (c *command) clientImport() *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE|-",
		Short: "Register or replace the clients of an export",
		Long: "Register or replace every client of a JSON file, by its client_id. All are checked before any is written; clients that the file does not\n" +
			"name stay as they are. A new client that authenticates gets a secret, which is shown once. \"-\" reads the standard input.",
		Args: takes(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			content, err := c.readFile(args[0])
			if err != nil {
				return err
			}
			var file api.ClientFile
			if err := decodeStrictly(content, &file); err != nil {
				return fmt.Errorf("%s is no export of clients: %w", args[0], err)
			}
			return c.work(cmd, creating, func(ctx context.Context, r *remote) error { return c.importClients(ctx, cmd, r, &file) })
		},
	}
}

// maxFile bounds what is read from a file.
const maxFile = 64 << 20

// readFile reads a file, or the standard input for "-".
func (c *command) readFile(path string) ([]byte, error) {
	from := c.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		from = f
	}
	content, err := io.ReadAll(io.LimitReader(from, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d MB", path, maxFile>>20)
	}
	return content, nil
}

// Bounds of one request of an import: the API takes a megabyte.
const (
	importBatch = 200
	importBytes = 768 << 10
)

func (c *command) importClients(ctx context.Context, cmd *cobra.Command, r *remote, file *api.ClientFile) error {
	var faults seedFaults
	for i := range file.Clients {
		faults.add(fmt.Sprintf("clients[%d] %s", i, printable(file.Clients[i].ClientID)), file.Clients[i].Check())
	}
	if err := faults.err(); err != nil {
		return fmt.Errorf("nothing was imported: %w", err)
	}
	answer := api.Imported{Clients: []api.ImportedClient{}}
	for rest := file.Clients; len(rest) > 0; {
		n := batch(rest)
		var came api.Imported
		if err := r.post(ctx, "/import/clients", api.ClientFile{Clients: rest[:n]}, &came); err != nil {
			return errors.Join(c.printImported(cmd, &answer), fmt.Errorf("the import ended after %d of %d clients: %w", len(answer.Clients), len(file.Clients), err))
		}
		answer.Clients = append(answer.Clients, came.Clients...)
		rest = rest[n:]
	}
	return c.printImported(cmd, &answer)
}

// batch says how many clients go into one request.
func batch(rest []api.ExportedClient) int {
	size := 0
	for i := range rest {
		text, err := json.Marshal(rest[i])
		if err != nil || i == importBatch {
			return max(i, 1)
		}
		if size += len(text); size > importBytes {
			return max(i, 1)
		}
	}
	return len(rest)
}

// printImported shows the secrets that were made even where a later client failed: nobody will see them again.
func (c *command) printImported(cmd *cobra.Command, answer *api.Imported) error {
	count := map[api.Outcome]int{}
	var rows [][]string
	for _, one := range answer.Clients {
		count[one.Outcome]++
		if one.ClientSecret != "" {
			rows = append(rows, []string{one.ClientID, one.ClientSecret})
		}
	}
	p := c.printer(cmd)
	if p.asJSON {
		return p.json(answer)
	}
	if len(rows) > 0 {
		if err := p.table([]string{"CLIENT ID", "NEW SECRET, SHOWN THIS ONCE"}, rows, nil); err != nil {
			return err
		}
		fmt.Fprintln(c.out)
	}
	return p.say(fmt.Sprintf("%d created, %d changed, %d unchanged.", count[api.Created], count[api.Updated], count[api.Unchanged]), nil)
}
