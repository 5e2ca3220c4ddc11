package pages

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/templates"
)

// ranks tells what users and groups may do, for pages to show what can be used. The rules in account decide: they ask the
// store itself, and are asked again at every act.
type ranks struct {
	inOrder []*account.Group // by name
	byID    map[string]*account.Group
}

func (s *site) ranks(ctx context.Context) (ranks, error) {
	groups, err := s.Directory.Groups(ctx)
	if err != nil {
		return ranks{}, err
	}
	byID := make(map[string]*account.Group, len(groups))
	for _, g := range groups {
		byID[g.ID] = g
	}
	return ranks{groups, byID}, nil
}

// ways gives a shortest way to every group that membership in these leads to, the nearest first.
func (r ranks) ways(memberOf []string) [][]*account.Group {
	reached := map[string]bool{}
	var ways [][]*account.Group
	rise := func(ids []string, below []*account.Group) {
		for _, id := range ids {
			if g := r.byID[id]; g != nil && !reached[id] {
				reached[id] = true
				ways = append(ways, append(slices.Clone(below), g))
			}
		}
	}
	rise(memberOf, nil)
	for next := 0; next < len(ways); next++ {
		way := ways[next]
		rise(way[len(way)-1].MemberOf, way)
	}
	return ways
}

// rights adds up what is held directly and by way of groups.
func (r ranks) rights(direct account.Permissions, memberOf []string) account.Rights {
	all := slices.Clone(direct)
	for _, way := range r.ways(memberOf) {
		all = append(all, way[len(way)-1].Permissions...)
	}
	set, _ := account.TidyPermissions(all)
	return account.Rights{Permissions: set}
}

// of is what a user may do, or may do again once unblocked.
func (r ranks) of(u *account.User) account.Rights {
	rights := r.rights(u.Permissions, u.Groups)
	rights.SuperAdmin = u.SuperAdmin
	return rights
}

// ofGroup is what membership in a group gives.
func (r ranks) ofGroup(g *account.Group) account.Rights { return r.rights(g.Permissions, g.MemberOf) }

// inside gives the groups directly in a group, by name.
func (r ranks) inside(id string) []*account.Group {
	var inside []*account.Group
	for _, g := range r.inOrder {
		if slices.Contains(g.MemberOf, id) {
			inside = append(inside, g)
		}
	}
	return inside
}

// below tells which groups are in a group, however deep, itself among them.
func (r ranks) below(id string) map[string]bool {
	found := map[string]bool{id: true}
	queue := []string{id}
	for next := 0; next < len(queue); next++ {
		for _, g := range r.inside(queue[next]) {
			if !found[g.ID] {
				found[g.ID] = true
				queue = append(queue, g.ID)
			}
		}
	}
	return found
}

// grounds tells where each permission comes from, as account.Directory.Explain does for a user.
func (r ranks) grounds(direct account.Permissions, memberOf []string) []account.Grounds {
	var grounds []account.Grounds
	ways := r.ways(memberOf)
	for _, p := range r.rights(direct, memberOf).Permissions {
		g := account.Grounds{Permission: p}
		if direct.Contains(p) {
			g.Sources = append(g.Sources, account.Source{})
		}
		for _, way := range ways {
			if way[len(way)-1].Permissions.Contains(p) {
				g.Sources = append(g.Sources, account.Source{Groups: way})
			}
		}
		grounds = append(grounds, g)
	}
	return grounds
}

// explained puts grounds into words.
func (s *site) explained(v *visit, grounds []account.Grounds) []templates.Ground {
	shown := make([]templates.Ground, 0, len(grounds))
	for _, g := range grounds {
		line := templates.Ground{Name: string(g.Permission), Title: g.Permission.Title()}
		for _, words := range account.AllPermissions() {
			if words.Permission == g.Permission {
				line.Sentence = words.Sentence
			}
		}
		for _, source := range g.Sources {
			line.Ways = append(line.Ways, s.groupMentions(v, source.Groups))
		}
		shown = append(shown, line)
	}
	return shown
}

func (s *site) groupMentions(v *visit, groups []*account.Group) []templates.Mention {
	mentions := make([]templates.Mention, 0, len(groups))
	for _, g := range groups {
		mentions = append(mentions, s.groupMention(v, g))
	}
	return mentions
}

// groupMention names a group, with a link where the visitor may follow it.
func (s *site) groupMention(v *visit, g *account.Group) templates.Mention {
	m := templates.Mention{Name: g.Name}
	if v.may(account.ViewGroups) {
		m.Path = s.base + groupPath(g.ID)
	}
	return m
}

// beyond says why the visitor may not act on somebody or something, "" where he may. It begins the sentence.
func beyond(begins string, err error) string {
	var forbidden *account.ForbiddenError
	if !errors.As(err, &forbidden) {
		return ""
	}
	if forbidden.SuperAdmin {
		return begins + ": only a super admin may act on a super admin."
	}
	return begins + ", which holds what you do not hold: " + quoted(forbidden.Missing) + "."
}

func quoted(permissions []account.Permission) string {
	titles := make([]string, len(permissions))
	for i, p := range permissions {
		titles[i] = "“" + p.Title() + "”"
	}
	return strings.Join(titles, ", ")
}
