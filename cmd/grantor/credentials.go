package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// credentials is the file of what `grantor login` was given, per server.
type credentials struct {
	Current string           `json:"current,omitempty"` // the server that was signed in to last
	Servers map[string]login `json:"servers"`
}

// login is what one server gave.
type login struct {
	Username     string    `json:"username"`
	AccessToken  string    `json:"access_token"`
	RefreshToken string    `json:"refresh_token,omitempty"`
	Expires      time.Time `json:"expires,omitzero"`
	Token        string    `json:"token_endpoint"`
	Revocation   string    `json:"revocation_endpoint,omitempty"`
}

// credentialsPath gives the file: in a folder of its own below what the system has for settings.
func credentialsPath() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find the folder for settings: %w", err)
	}
	return filepath.Join(dir, "grantor", "credentials.json"), nil
}

// readCredentials gives what is saved, nothing where there is no file. It refuses a file that others may read: who can
// read it can act in the name of its owner.
func (c *command) readCredentials() (*credentials, error) {
	saved := &credentials{Servers: map[string]login{}}
	path, err := credentialsPath()
	if err != nil {
		return saved, nil // a service without a home has no login either
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return saved, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the saved login: %w", err)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 { // there it says nothing
		return nil, fmt.Errorf("others may read %s (mode %04o), which holds your login: keep them out with `chmod 600 %[1]s`, and if they may have read it, "+
			"end it with `grantor logout` and sign in anew", path, mode)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the saved login: %w", err)
	}
	if err := json.Unmarshal(content, saved); err != nil {
		return nil, fmt.Errorf("the saved login in %s is damaged: remove the file and sign in anew with `grantor login`", path) // the cause would quote it
	}
	if saved.Servers == nil {
		saved.Servers = map[string]login{}
	}
	return saved, nil
}

// changeCredentials alters what is saved, while no other command does. The lock is held over alter on purpose, even where
// that asks a server: a refresh token may be used once.
func (c *command) changeCredentials(alter func(*credentials) error) error {
	path, err := credentialsPath()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the folder of the saved login: %w", err)
	}
	unlock, err := lockFile(path + ".lock")
	if err != nil {
		return fmt.Errorf("lock the saved login: %w", err)
	}
	defer unlock()
	saved, err := c.readCredentials()
	if err != nil {
		return err
	}
	if err := alter(saved); err != nil {
		return err
	}
	return saved.write(path)
}

// write replaces the file as a whole: a reader finds the old one or the new one.
func (s *credentials) write(path string) error {
	content, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("write the login: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".credentials-*") // mode 0600
	if err != nil {
		return fmt.Errorf("save the login: %w", err)
	}
	defer os.Remove(f.Name()) // not there any more where all went well
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("save the login: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("save the login: %w", err)
	}
	return nil
}
