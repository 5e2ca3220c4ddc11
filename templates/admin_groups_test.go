package templates

// groupSamples are the pages of the area Groups, filled with hostile values.
func groupSamples() []any { return nil }
