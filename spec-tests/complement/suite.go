// Package cloison deploys Cloison for Complement: servers hs1, hs2 and hs3 as processes on the loopback addresses 127.0.1.1, .2 and .3.
// It is compiled as a package of Complement's own module, by way of `go test -overlay`: see docs/complement.md.
package cloison

import (
	"sync"

	"github.com/matrix-org/complement/b"
	"github.com/matrix-org/complement/config"
	"github.com/matrix-org/complement/ct"
)

// Deployments take turns at the addresses: at most one of them is live.
var suite struct {
	sync.Mutex
	shared *Deployment
	fresh  *Deployment
}

// Deploy gives a test that many servers: in a dirty run those the tests before it used, as they are.
func Deploy(t ct.TestLike, number int, settings *config.Complement) *Deployment {
	t.Helper()
	if !settings.EnableDirtyRuns {
		return deployFresh(t, make([][]b.ApplicationService, number), settings)
	}
	suite.Lock()
	defer suite.Unlock()
	endFresh()
	if suite.shared == nil {
		suite.shared = newDeployment(settings, true)
	}
	if err := suite.shared.grow(make([][]b.ApplicationService, number)); err != nil {
		ct.Fatalf(t, "Deploy: %s", err)
	}
	return suite.shared
}

// DeployFresh gives a test servers that nobody used before, with the application services of the blueprint.
func DeployFresh(t ct.TestLike, blueprint b.Blueprint, settings *config.Complement) *Deployment {
	t.Helper()
	services := make([][]b.ApplicationService, 0, len(blueprint.Homeservers))
	for _, homeserver := range blueprint.Homeservers {
		services = append(services, homeserver.ApplicationServices)
	}
	return deployFresh(t, services, settings)
}

func deployFresh(t ct.TestLike, services [][]b.ApplicationService, settings *config.Complement) *Deployment {
	t.Helper()
	suite.Lock()
	defer suite.Unlock()
	endFresh()
	if suite.shared != nil {
		suite.shared.leave()
	}
	suite.fresh = newDeployment(settings, false)
	if err := suite.fresh.grow(services); err != nil {
		ct.Fatalf(t, "Deploy: %s", err)
	}
	return suite.fresh
}

// DestroyAll stops everything, when the tests of a package are done.
func DestroyAll() {
	suite.Lock()
	defer suite.Unlock()
	endFresh()
	if suite.shared != nil {
		suite.shared.destroy()
		suite.shared = nil
	}
}

func endFresh() {
	if suite.fresh != nil {
		suite.fresh.destroy()
		suite.fresh = nil
	}
}
