package cloison

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

const grace = 10 * time.Second

// process is a program in a process group of its own, which ends when it is stopped or when these tests end, however they end.
type process struct {
	command *exec.Cmd
	ended   chan struct{}
}

var spawning = make(chan func())

func init() {
	go func() {
		// The signal at a parent's death is tied to the thread that forked: this one lives as long as the program.
		runtime.LockOSThread()
		for spawn := range spawning {
			spawn()
		}
	}()
}

func repository() string {
	return os.Getenv("CLOISON_ROOT")
}

// startProcess runs a program from Cloison's repository; what it says goes to out.
func startProcess(out io.Writer, environment []string, name string, arguments ...string) (*process, error) {
	if repository() == "" {
		return nil, errors.New("CLOISON_ROOT must name the repository of Cloison: use the line that `complement overlay` prints")
	}
	command := exec.Command(name, arguments...)
	command.Dir = repository()
	command.Env = append(os.Environ(), environment...)
	command.Stdout, command.Stderr = out, out
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	started := make(chan error)
	spawning <- func() { started <- command.Start() }
	if err := <-started; err != nil {
		return nil, fmt.Errorf("%s cannot be run: %w", name, err)
	}
	p := &process{command: command, ended: make(chan struct{})}
	go func() {
		_ = command.Wait() // How it ended is told by whoever waits for it to answer.
		close(p.ended)
	}()
	return p, nil
}

// stop ends the whole group gracefully, or by force when that takes too long.
func (p *process) stop() {
	p.signal(syscall.SIGTERM)
	p.signal(syscall.SIGCONT) // One that is paused takes no other signal.
	select {
	case <-p.ended:
	case <-time.After(grace):
		p.signal(syscall.SIGKILL)
		<-p.ended
	}
}

func (p *process) signal(signal syscall.Signal) {
	_ = syscall.Kill(-p.command.Process.Pid, signal) // It fails only for a group that is gone.
}
