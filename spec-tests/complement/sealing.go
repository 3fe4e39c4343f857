package cloison

import (
	"fmt"
	"io"
	"os"
)

const mostServers = 3

func isSealed() bool {
	return os.Getenv("COMPLEMENT_SEALED") == "1"
}

// startProxy puts the sealing proxy where clients look for the servers of a deployment. One process stands before all of them, those
// to come included: it remembers what it sealed, whichever server is asked for it, and outlives their restarts.
func startProxy(log io.Writer) (*process, error) {
	arguments := []string{"scripts/run.mjs", "sealing-proxy"}
	for number := 1; number <= mostServers; number++ {
		arguments = append(arguments,
			"--listen", fmt.Sprintf("%s:%d", addressOf(number), clientPort),
			"--upstream", fmt.Sprintf("http://%s:%d", addressOf(number), behindPort))
	}
	return startProcess(log, nil, "node", arguments...)
}
