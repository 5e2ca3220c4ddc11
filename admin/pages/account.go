package pages

func accountPages() handlers { return handlers{} }

// accountNotices are what these pages tell after an act.
var accountNotices = map[string]string{}
