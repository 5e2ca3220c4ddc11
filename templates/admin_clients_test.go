package templates

// clientSamples are the pages of the area Auth Clients, filled with hostile values.
func clientSamples() []any { return nil }
