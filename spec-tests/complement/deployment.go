package cloison

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/matrix-org/complement/b"
	"github.com/matrix-org/complement/client"
	"github.com/matrix-org/complement/config"
	"github.com/matrix-org/complement/ct"
	"github.com/matrix-org/complement/helpers"
	"github.com/matrix-org/gomatrixserverlib/spec"
)

const defaultPassword = "complement_meets_min_password_req"

// One counter for all deployments, so that nobody is registered twice.
var people atomic.Int64

// Deployment is what a test of Complement knows of its servers.
type Deployment struct {
	servers map[string]*server
	suite   *config.Complement
	// A shared one outlives the tests that use it.
	shared bool
	// Before all servers, in a sealed run.
	proxy *process
}

func newDeployment(suite *config.Complement, shared bool) *Deployment {
	return &Deployment{servers: map[string]*server{}, suite: suite, shared: shared}
}

// grow makes servers for as many lists of application services as are given, and starts whichever does not run.
func (d *Deployment) grow(services [][]b.ApplicationService) error {
	if isSealed() && d.proxy == nil {
		var err error
		if d.proxy, err = startProxy(os.Stderr); err != nil {
			return err
		}
	}
	for i, theirs := range services {
		name := fmt.Sprintf("hs%d", i+1)
		if d.servers[name] == nil {
			s, err := newServer(i+1, theirs, d.suite)
			if err != nil {
				return err
			}
			d.servers[name] = s
		}
		if err := d.servers[name].start(); err != nil {
			return err
		}
	}
	return nil
}

// leave stops what holds the addresses, which other servers are about to take; a later grow continues with the same data.
func (d *Deployment) leave() {
	for _, s := range d.servers {
		s.stop()
	}
	if d.proxy != nil {
		d.proxy.stop()
		d.proxy = nil
	}
}

func (d *Deployment) destroy() {
	d.leave()
	for _, s := range d.servers {
		s.destroy()
	}
}

func (d *Deployment) server(t ct.TestLike, name string) *server {
	t.Helper()
	s := d.servers[name]
	if s == nil {
		ct.Fatalf(t, "there is no server %s in this deployment", name)
	}
	return s
}

func (d *Deployment) client(t ct.TestLike, name string) *client.CSAPI {
	t.Helper()
	return client.NewCSAPI(client.CSAPIOpts{
		BaseURL:          d.server(t, name).baseURL(),
		Client:           client.NewLoggedClient(t, name, nil),
		SyncUntilTimeout: 5 * time.Second,
		Debug:            d.suite.DebugLoggingEnabled,
	})
}

func (d *Deployment) GetFullyQualifiedHomeserverName(t ct.TestLike, name string) spec.ServerName {
	t.Helper()
	return spec.ServerName(d.server(t, name).name)
}

func (d *Deployment) UnauthenticatedClient(t ct.TestLike, name string) *client.CSAPI {
	t.Helper()
	return d.client(t, name)
}

func (d *Deployment) Register(t ct.TestLike, name string, opts helpers.RegistrationOpts) *client.CSAPI {
	t.Helper()
	c := d.client(t, name)
	c.Password = defaultPassword
	if opts.Password != "" {
		c.Password = opts.Password
	}
	// Some tests match the names of people against a pattern: this is how Complement's own deployer names them.
	localpart := fmt.Sprintf("user-%d", people.Add(1))
	if opts.LocalpartSuffix != "" {
		localpart += "-" + opts.LocalpartSuffix
	}
	if opts.IsAdmin {
		c.UserID, c.AccessToken, c.DeviceID = c.RegisterSharedSecret(t, localpart, c.Password, true)
	} else {
		c.UserID, c.AccessToken, c.DeviceID = c.RegisterUser(t, localpart, c.Password)
	}
	return c
}

func (d *Deployment) Login(t ct.TestLike, name string, existing *client.CSAPI, opts helpers.LoginOpts) *client.CSAPI {
	t.Helper()
	c := d.client(t, name)
	c.Password = existing.Password
	if opts.Password != "" {
		c.Password = opts.Password
	}
	var options []client.LoginOpt
	if opts.DeviceID != "" {
		options = append(options, client.WithDeviceID(opts.DeviceID))
	}
	localpart, _, _ := strings.Cut(strings.TrimPrefix(existing.UserID, "@"), ":")
	c.UserID, c.AccessToken, c.DeviceID = c.LoginUser(t, localpart, c.Password, options...)
	return c
}

// AppServiceUser acts for an application service of the blueprint, whose token is its only credential.
func (d *Deployment) AppServiceUser(t ct.TestLike, name, userID string) *client.CSAPI {
	t.Helper()
	c := d.client(t, name)
	for _, service := range d.server(t, name).services {
		if fmt.Sprintf("@%s:%s", service.SenderLocalpart, name) == userID {
			c.UserID, c.AccessToken = userID, service.ASToken
			return c
		}
	}
	ct.Fatalf(t, "%s belongs to no application service of %s", userID, name)
	return nil
}

func (d *Deployment) Restart(t ct.TestLike) error {
	t.Helper()
	for _, s := range d.servers {
		s.stop()
		if err := s.start(); err != nil {
			return err
		}
	}
	return nil
}

func (d *Deployment) StopServer(t ct.TestLike, name string) {
	t.Helper()
	d.server(t, name).stop()
}

func (d *Deployment) StartServer(t ct.TestLike, name string) {
	t.Helper()
	if err := d.server(t, name).start(); err != nil {
		ct.Fatalf(t, "StartServer: %s", err)
	}
}

func (d *Deployment) PauseServer(t ct.TestLike, name string) {
	t.Helper()
	d.signal(t, name, syscall.SIGSTOP)
}

func (d *Deployment) UnpauseServer(t ct.TestLike, name string) {
	t.Helper()
	d.signal(t, name, syscall.SIGCONT)
}

func (d *Deployment) signal(t ct.TestLike, name string, signal syscall.Signal) {
	t.Helper()
	s := d.server(t, name)
	if s.running == nil {
		ct.Fatalf(t, "%s does not run", name)
	}
	s.running.signal(signal)
}

// ContainerID is there for Complement's interface: nothing of ours runs in a container.
func (d *Deployment) ContainerID(t ct.TestLike, name string) string {
	t.Helper()
	ct.Fatalf(t, "%s runs as a process, not in a container", name)
	return ""
}

// Network is there for Complement's interface: the servers are on the loopback of this machine.
func (d *Deployment) Network() string {
	return ""
}

// Destroy leaves servers alone that the tests to come are going to use.
func (d *Deployment) Destroy(t ct.TestLike) {
	t.Helper()
	if d.shared {
		return
	}
	suite.Lock()
	defer suite.Unlock()
	if suite.fresh == d {
		endFresh()
	}
}

func (d *Deployment) GetConfig() *config.Complement {
	return d.suite
}

func (d *Deployment) RoundTripper() http.RoundTripper {
	return shardTransport{deployment: d}
}
