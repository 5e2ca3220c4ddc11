package account

// step is a group that is reached from below, and the step before it; nil below stands for the user or group that the
// climb began at.
type step struct {
	group *Group
	below *step
}

// way lists the groups from the beginning of the climb to this one.
func (s *step) way() []*Group {
	var groups []*Group
	for ; s != nil; s = s.below {
		groups = append([]*Group{s.group}, groups...)
	}
	return groups
}

// lookup gives a group, or nil where there is none.
type lookup func(id string) (*Group, error)

// climb finds every group that a membership in the given ones leads to, each once and by a shortest way, the nearest
// first. It ends also where groups are in each other: two that race may bring that about.
func climb(memberOf []string, group lookup) ([]*step, error) {
	reached := map[string]bool{}
	var steps []*step
	rise := func(ids []string, below *step) error {
		for _, id := range ids {
			if reached[id] {
				continue
			}
			reached[id] = true
			g, err := group(id)
			if err != nil {
				return err
			}
			if g != nil {
				steps = append(steps, &step{g, below})
			}
		}
		return nil
	}
	if err := rise(memberOf, nil); err != nil {
		return nil, err
	}
	for next := 0; next < len(steps); next++ {
		if err := rise(steps[next].group.MemberOf, steps[next]); err != nil {
			return nil, err
		}
	}
	return steps, nil
}

// total adds up what is held directly and by way of groups.
func total(direct []Permission, steps []*step) Permissions {
	all := append([]Permission(nil), direct...)
	for _, s := range steps {
		all = append(all, s.group.Permissions...)
	}
	set, _ := TidyPermissions(all) // one that is no permission any more counts for nothing
	return set
}

// instead gives one group in a form that is not written yet; nil: as if it were gone.
func (l lookup) instead(id string, g *Group) lookup {
	return func(wanted string) (*Group, error) {
		if wanted == id {
			return g, nil
		}
		return l(wanted)
	}
}
