package templates

// accountSamples are the pages of the area My account, filled with hostile values.
func accountSamples() []any { return nil }
