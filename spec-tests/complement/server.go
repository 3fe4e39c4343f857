package cloison

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/matrix-org/complement/b"
	"github.com/matrix-org/complement/config"
)

const (
	clientPort     = 8008
	behindPort     = 8009
	federationPort = 8448
)

// server is one shard: its data, and while it runs its process and the TLS before it.
// Its addresses never change, so that a restart changes no URL a test has remembered.
type server struct {
	name     string
	address  string
	folder   string
	log      *os.File
	running  *process
	front    *front
	services []b.ApplicationService
	suite    *config.Complement
}

// newServer makes the data directory of hsN, whose address is 127.0.1.N.
func newServer(number int, services []b.ApplicationService, suite *config.Complement) (*server, error) {
	name := fmt.Sprintf("hs%d", number)
	folder, err := os.MkdirTemp("", "complement-"+name+"-")
	if err != nil {
		return nil, err
	}
	log, err := openLog(folder, name)
	if err != nil {
		return nil, err
	}
	s := &server{name: name, address: addressOf(number), folder: folder, log: log, services: services, suite: suite}
	return s, s.writeFiles()
}

func addressOf(number int) string {
	return fmt.Sprintf("127.0.1.%d", number)
}

func logFolder(fallback string) string {
	if named := os.Getenv("CLOISON_LOGS"); named != "" {
		return named
	}
	return fallback
}

func openLog(folder, name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(logFolder(folder), name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

func (s *server) baseURL() string {
	return fmt.Sprintf("http://%s:%d", s.address, clientPort)
}

// upstream is where the server itself listens: behind the sealing proxy when there is one.
func (s *server) upstream() string {
	return fmt.Sprintf("%s:%d", s.address, s.port())
}

func (s *server) port() int {
	if isSealed() {
		return behindPort
	}
	return clientPort
}

func (s *server) writeFiles() error {
	generated, err := startProcess(s.log, nil, "node", "dist/main.js", "generate", "--server-name", s.name, "--data-dir", s.folder)
	if err != nil {
		return err
	}
	<-generated.ended
	// Paths, given or not, start at the file they belong to: hence a copy.
	limits, err := os.ReadFile(filepath.Join(repository(), "spec-tests/complement/homeserver.yaml"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.file("suite.yaml"), limits, 0o600); err != nil {
		return err
	}
	authority, err := s.suite.CACertificateBytes()
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.file("authority.pem"), authority, 0o600); err != nil {
		return err
	}
	registrations, err := s.writeRegistrations()
	if err != nil {
		return err
	}
	settings := map[string]any{
		"listeners": []any{map[string]any{
			"port": s.port(), "bind_addresses": []string{s.address}, "type": "http",
			"resources": []any{map[string]any{"names": []string{"client"}}},
		}},
	}
	if len(registrations) > 0 {
		settings["app_service_config_files"] = registrations
	}
	text, err := json.Marshal(settings) // JSON is YAML.
	if err != nil {
		return err
	}
	return os.WriteFile(s.file("address.yaml"), text, 0o600)
}

// writeRegistrations gives each application service its own user and no other: one whose namespace holds people is refused at the start.
func (s *server) writeRegistrations() ([]string, error) {
	var files []string
	for _, service := range s.services {
		text, err := json.Marshal(map[string]any{
			"id": service.ID, "url": service.URL, "as_token": service.ASToken, "hs_token": service.HSToken,
			"sender_localpart": service.SenderLocalpart, "rate_limited": service.RateLimited,
			"namespaces": map[string]any{
				"users":   []any{map[string]any{"exclusive": true, "regex": fmt.Sprintf("@%s:%s", service.SenderLocalpart, s.name)}},
				"rooms":   []any{},
				"aliases": []any{},
			},
		})
		if err != nil {
			return nil, err
		}
		file := s.file(service.ID + ".yaml")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

func (s *server) file(name string) string {
	return filepath.Join(s.folder, name)
}

// start returns when the server answers.
func (s *server) start() error {
	if s.running != nil {
		return nil
	}
	running, err := startProcess(s.log, []string{"NODE_EXTRA_CA_CERTS=" + s.file("authority.pem")},
		"node", "dist/main.js", "serve",
		"--config", s.file("homeserver.yaml"), "--config", s.file("suite.yaml"), "--config", s.file("address.yaml"))
	if err != nil {
		return err
	}
	s.running = running
	if err := s.open(); err != nil {
		s.stop()
		return err
	}
	return nil
}

// open puts before a server that has been started what stands before it, and waits for its first answer.
func (s *server) open() error {
	if err := s.untilItAnswers(); err != nil {
		return err
	}
	var err error
	s.front, err = startFront(s)
	return err
}

func (s *server) untilItAnswers() error {
	deadline := time.Now().Add(s.suite.SpawnHSTimeout)
	for time.Now().Before(deadline) {
		select {
		case <-s.running.ended:
			return fmt.Errorf("%s ended at its start:\n%s", s.name, s.lastLines())
		case <-time.After(20 * time.Millisecond):
		}
		response, err := http.Get(s.baseURL() + "/_matrix/client/versions")
		if err != nil {
			continue
		}
		response.Body.Close()
		if response.StatusCode == http.StatusOK {
			return nil
		}
	}
	return fmt.Errorf("%s does not answer after %s:\n%s", s.name, s.suite.SpawnHSTimeout, s.lastLines())
}

func (s *server) lastLines() string {
	text, _ := os.ReadFile(s.log.Name())
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

func (s *server) stop() {
	if s.front != nil {
		s.front.stop()
		s.front = nil
	}
	if s.running != nil {
		s.running.stop()
		s.running = nil
	}
	// A test would reuse a connection to the process that is gone, and fail.
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

func (s *server) destroy() {
	s.stop()
	if s.suite.AlwaysPrintServerLogs {
		text, _ := os.ReadFile(s.log.Name())
		fmt.Fprintf(os.Stderr, "==== log of %s\n%s\n", s.name, text)
	}
	_ = s.log.Close()
	_ = os.RemoveAll(s.folder)
}
