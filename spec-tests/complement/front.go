package cloison

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"

	"github.com/matrix-org/complement/config"
)

// front is the reverse proxy every server of ours stands behind: it holds the certificate, signed by the authority of this run.
type front struct {
	listener net.Listener
	http     *http.Server
}

func startFront(s *server) (*front, error) {
	certificate, err := certificateFor(s.name, s.suite)
	if err != nil {
		return nil, err
	}
	listener, err := tls.Listen("tcp", fmt.Sprintf("%s:%d", s.address, federationPort), &tls.Config{Certificates: []tls.Certificate{certificate}})
	if err != nil {
		return nil, err
	}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: s.upstream()})
	quiet := log.New(io.Discard, "", 0) // Tests hang up in the middle of requests.
	proxy.ErrorLog = quiet
	f := &front{listener: listener, http: &http.Server{Handler: proxy, ErrorLog: quiet}}
	go func() {
		if err := f.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Printf("the TLS before %s ended: %s", s.name, err)
		}
	}()
	return f, nil
}

func (f *front) stop() {
	_ = f.http.Close()
}

func certificateFor(name string, suite *config.Complement) (tls.Certificate, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return tls.Certificate{}, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		DNSNames:     []string{name},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	bytes, err := x509.CreateCertificate(rand.Reader, template, suite.CACertificate, &key.PublicKey, suite.CAPrivateKey)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{bytes}, PrivateKey: key}, nil
}

// shardTransport finds hs1, hs2, … and the machine of these tests, where no name service knows them.
type shardTransport struct {
	deployment *Deployment
}

func (t shardTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	name, port := request.URL.Hostname(), request.URL.Port()
	address := ""
	if s, ok := t.deployment.servers[name]; ok {
		address = fmt.Sprintf("%s:%d", s.address, federationPort)
	} else if name == t.deployment.suite.HostnameRunningComplement {
		if port == "" {
			port = "443"
		}
		address = net.JoinHostPort("127.0.0.1", port)
	} else {
		return nil, fmt.Errorf("%s is no server of this deployment", name)
	}
	request.URL.Scheme, request.URL.Host = "https", address
	transport := &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{ServerName: name, InsecureSkipVerify: true},
	}
	return transport.RoundTrip(request)
}
