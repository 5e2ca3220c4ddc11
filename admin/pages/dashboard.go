package pages

func dashboardPages() handlers { return handlers{} }
