package templates

// userSamples are the pages of the area Users, filled with hostile values.
func userSamples() []any { return nil }
