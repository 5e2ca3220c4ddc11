package account

import "strings"

// FieldError is what is wrong with one field, in words for the person who filled it in.
type FieldError struct {
	Field   string `json:"field"` // username, name, email, password, old_password, groups, permissions, member_of, description
	Message string `json:"message"`
}

// FieldErrors is everything that is wrong with what was filled in.
type FieldErrors struct {
	Fields []FieldError

	cause error
}

// Unwrap gives what was wrong in one word where there is one, ErrCredentials for instance.
func (e *FieldErrors) Unwrap() error { return e.cause }

func (e *FieldErrors) Error() string {
	parts := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		parts[i] = f.Field + ": " + f.Message
	}
	return strings.Join(parts, "; ")
}

func (e *FieldErrors) add(field, message string) {
	if message != "" {
		e.Fields = append(e.Fields, FieldError{field, message})
	}
}

func (e *FieldErrors) orNil() error {
	if len(e.Fields) == 0 {
		return nil
	}
	return e
}

func fieldError(field, message string) error {
	return &FieldErrors{Fields: []FieldError{{field, message}}}
}
