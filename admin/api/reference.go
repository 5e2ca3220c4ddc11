package api

// describeToPeople makes the page.
func (s *service) describeToPeople() error { return nil }
