package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/api"
)

// plan is what apply is about to do.
type plan struct {
	remote   *remote
	declared *seed
	prune    pruning
	me       api.Me
	rights   account.Rights

	apis      []api.API         // all that there are
	groups    []api.Group       // the same
	groupIDs  map[string]string // groupKey -> id, of those that are made as well
	changes   []*change
	unchanged int
	faults    seedFaults
	secrets   map[string]string
}

// pruning is whether what is not declared is deleted.
type pruning bool

// make compares everything and writes nothing. Its error names every fault at once.
func (p *plan) make(ctx context.Context) error {
	if err := p.remote.get(ctx, "/me", &p.me); err != nil {
		return err
	}
	p.rights = account.Rights{SuperAdmin: p.me.SuperAdmin, Permissions: p.me.Permissions}
	steps := []func(context.Context) error{
		p.readGroups, p.planGroups, p.planUsers,
		p.readAPIs, p.planAPIs, // clients are given scopes of them
		p.pruneClients, p.planClients, // new clients may have the names of old ones
		p.pruneAPIs, p.pruneUsers, p.pruneGroups,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	p.checkRights()
	if err := p.faults.err(); err != nil {
		return fmt.Errorf("nothing was changed: %w", err)
	}
	return nil
}

// prunes tells whether what the file does not name of a list is deleted. A list that is not in the file says nothing.
func (p *plan) prunes(kind string) bool { return bool(p.prune) && p.declared.kinds[kind] }

// checkRights finds out before the first write what would be refused in the middle.
func (p *plan) checkRights() {
	words := map[action]string{create: "create", alter: "edit", remove: "delete"}
	for _, c := range p.changes {
		needed := account.Permission(c.Kind + "s:" + words[c.Action])
		p.faults.add(c.Kind+" "+printable(c.Name), p.rights.Check(needed))
		if c.before != nil || c.after != nil && c.Kind == "api" {
			p.faults.add(c.Kind+" "+printable(c.Name), p.rights.Check(account.EditAPIs))
		}
	}
}

func (p *plan) count() *shownPlan {
	shown := &shownPlan{Changes: p.changes, Unchanged: p.unchanged}
	if shown.Changes == nil {
		shown.Changes = []*change{}
	}
	for _, c := range p.changes {
		switch c.Action {
		case create:
			shown.Created++
		case alter:
			shown.Changed++
		case remove:
			shown.Deleted++
		}
	}
	return shown
}

// deletions counts what is deleted in words: "2 clients and 1 user".
func (p *plan) deletions() string {
	count := map[string]int{}
	for _, c := range p.changes {
		if c.Action == remove {
			count[c.Kind]++
		}
	}
	var words []string
	for _, kind := range sortedKeys(count) {
		word := fmt.Sprintf("%d %s", count[kind], kind)
		if count[kind] > 1 {
			word += "s"
		}
		words = append(words, word)
	}
	return strings.Join(words, " and ")
}

// write does what was planned, in order.
func (p *plan) write(ctx context.Context) (done int, err error) {
	for _, c := range p.changes {
		if c.before == nil {
			continue
		}
		if err := c.before(ctx); err != nil {
			return done, fmt.Errorf("%s %s: %w", c.Kind, printable(c.Name), err)
		}
	}
	for _, c := range p.changes {
		if err := c.write(ctx); err != nil {
			return done, fmt.Errorf("%s %s: %w", c.Kind, printable(c.Name), err)
		}
		done++
	}
	for _, c := range p.changes {
		if c.after == nil {
			continue
		}
		if err := c.after(ctx); err != nil {
			return done, fmt.Errorf("%s %s: %w", c.Kind, printable(c.Name), err)
		}
	}
	return done, nil
}

// put notes what has to be done of one thing, if anything.
func (p *plan) put(c *change) {
	if c.Action == alter && len(c.Fields) == 0 {
		p.unchanged++
		return
	}
	p.changes = append(p.changes, c)
}

// differences compares two things by the fields that are declared, in the order of names. Of a new thing, what is empty is
// not worth telling.
func differences(names []string, before, after map[string]any) []*fieldChange {
	var fields []*fieldChange
	for _, name := range names {
		value, declared := after[name]
		if !declared || isEmpty(before[name]) && isEmpty(value) || reflect.DeepEqual(before[name], value) {
			continue
		}
		fields = append(fields, &fieldChange{Field: name, Old: before[name], New: value})
	}
	return fields
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case bool:
		return !v
	case []any:
		return len(v) == 0
	}
	return false
}

// asFields gives a thing by the names that it has in JSON.
func asFields(v any) (map[string]any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	fields := map[string]any{}
	return fields, json.Unmarshal(text, &fields)
}

// asAny makes a list one of JSON, in order, to be compared with another.
func asAny[S ~string](list []S) []any {
	sorted := slices.Sorted(slices.Values(convert[string](list)))
	values := []any{}
	for _, s := range slices.Compact(sorted) {
		values = append(values, s)
	}
	return values
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
