package pages

func auditPages() handlers { return handlers{} }
