package account

import (
	"context"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/grantor-dev/grantor/store"
)

const (
	maxGroupName      = 255                // characters
	maxGroupNameBytes = maxGroupName * 4   // before anything is done with it
	maxDescription    = 1000               // characters
	longestText       = maxDescription * 4 // bytes
)

// groupKey is the same for all spellings of a group's name that look alike but for case, composition, and characters that
// draw nothing. It is empty for a name that draws nothing at all.
func groupKey(name string) string {
	return folded(strings.Map(func(r rune) rune {
		if invisible(r) {
			return -1
		}
		return r
	}, strings.TrimSpace(name)))
}

func (g *Group) setName(typed string) (fault string) {
	g.Name = strings.TrimSpace(typed)
	key := ""
	if len(g.Name) <= maxGroupNameBytes && presentable(g.Name, maxGroupName) {
		key = groupKey(g.Name)
	}
	if strings.TrimSpace(key) == "" {
		return "A group name has 1 to 255 characters, none of them invisible."
	}
	return ""
}

func (g *Group) setDescription(typed string) (fault string) {
	g.Description = tidyText(typed)
	if len(g.Description) > longestText || !presentable(strings.ReplaceAll(g.Description, "\n", " "), maxDescription) {
		return "A description has at most 1000 characters, none of them invisible."
	}
	return ""
}

// tidyText gives lines one ending, whatever browser they come from.
func tidyText(typed string) string {
	return strings.TrimSpace(strings.ReplaceAll(typed, "\r\n", "\n"))
}

// presentable tells whether a text of one line can be shown without changing what stands around it.
func presentable(text string, most int) bool {
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) > most {
		return false
	}
	for _, r := range text {
		joiner := r == 0x200C || r == 0x200D // Persian, Indic scripts and emoji need them
		if unicode.Is(unicode.C, r) && !joiner || r == 0x2028 || r == 0x2029 {
			return false
		}
	}
	return true
}

func (d *Directory) reserveGroupName(ctx context.Context, g *Group) error {
	key := groupKey(g.Name)
	return asNameError("group", d.groupNames.Reserve(ctx, key, g.ID, d.groupGoesBy(ctx, key)))
}

func (d *Directory) groupGoesBy(ctx context.Context, key string) func(id string) (bool, error) {
	return func(id string) (bool, error) {
		s, err := d.loadGroup(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return false, nil
		}
		return err == nil && groupKey(s.Value.Name) == key, err
	}
}

func (d *Directory) confirmGroupName(ctx context.Context, g *Group) error {
	return asNameError("group", d.groupNames.Confirm(ctx, groupKey(g.Name), g.ID))
}

// releaseGroupName gives up the name of old if next has another. It only tidies up, as releaseNames does.
func (d *Directory) releaseGroupName(ctx context.Context, old, next *Group) {
	if key := groupKey(old.Name); key != groupKey(next.Name) {
		_ = d.groupNames.Release(ctx, key, old.ID, d.groupGoesBy(ctx, key))
	}
}

// abandonGroupName gives up what a failed change reserved, unless the change may have been written after all.
func (d *Directory) abandonGroupName(ctx context.Context, reserved *Group, cause error) {
	if reserved.ID == "" || store.IsUnavailable(cause) {
		return
	}
	if now, err := d.loadGroup(ctx, reserved.ID); err == nil {
		d.releaseGroupName(ctx, reserved, &now.Value.Group)
	}
}

// settleGroupName makes a new name last and gives the old one up. Where someone took the new one over meanwhile, the group
// gets the old one back.
func (d *Directory) settleGroupName(ctx context.Context, before, after *Group) error {
	err := d.confirmGroupName(ctx, after)
	var lost *nameError
	if errors.As(err, &lost) {
		_, _, undo := d.changeGroup(ctx, after.ID, 0, func(c *circle) error {
			c.Name = before.Name
			return nil
		})
		return errors.Join(err, undo)
	}
	if err != nil {
		return err
	}
	d.releaseGroupName(ctx, before, after)
	return nil
}
