package pages

func clientPages() handlers { return handlers{} }

// clientNotices are what these pages tell after an act.
var clientNotices = map[string]string{}
