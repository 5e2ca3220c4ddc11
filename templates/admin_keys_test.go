package templates

// keySamples are the pages of the area Keys, filled with hostile values.
func keySamples() []any { return nil }
