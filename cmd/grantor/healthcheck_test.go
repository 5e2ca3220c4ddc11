package main

import (
	"net/http"
	"testing"
)

func TestHealthcheckAsksWhereTheServerListens(t *testing.T) {
	for _, tt := range []struct{ listen, cert, want string }{
		{listen: "127.0.0.1:8080", want: "http://127.0.0.1:8080/readyz"},
		{listen: "0.0.0.0:8080", want: "http://127.0.0.1:8080/readyz"},
		{listen: ":8080", want: "http://127.0.0.1:8080/readyz"},
		{listen: "[::]:8080", want: "http://[::1]:8080/readyz"},
		{listen: "192.0.2.7:8443", cert: "cert.pem", want: "https://192.0.2.7:8443/readyz"},
		{listen: "auth.internal:8080", want: "http://auth.internal:8080/readyz"},
	} {
		got, err := (&Config{Listen: tt.listen, TLSCert: tt.cert}).readyAddress()
		if err != nil || got != tt.want {
			t.Errorf("%s: %s, %v; want %s", tt.listen, got, err, tt.want)
		}
	}
}

// The certificate is for the public name, and the question is sent to an address of this machine.
func TestHealthcheckTakesTheCertificateOfAnotherName(t *testing.T) {
	cfg := &Config{}
	l := listenTLS(t, cfg)
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			w.WriteHeader(http.StatusNotFound)
		}
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }() // it ends when it is closed
	t.Cleanup(func() { _ = s.Close(); <-done })
	address, err := (&Config{Listen: l.Addr().String(), TLSCert: cfg.TLSCert}).readyAddress()
	if err != nil {
		t.Fatal(err)
	}
	if err := awaitReady(t.Context(), address, 0); err != nil {
		t.Error(err)
	}
}
