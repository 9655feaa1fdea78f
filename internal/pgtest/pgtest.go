// Package pgtest starts a PostgreSQL of its own for tests, out of the server's binaries that are installed.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// ErrMissing is the error where no PostgreSQL server is installed; tests are skipped then.
var ErrMissing = errors.New("no PostgreSQL server is installed (apt-get install postgresql)")

// Password is of the one user, postgres.
const Password = "only for tests"

const patience = 60 * time.Second

// Server is a running PostgreSQL.
type Server struct {
	Addr string // HOST:PORT on the loopback
	dir  string
	bin  string
	cmd  *exec.Cmd
}

// URL is the address of a database of the server, without the password.
func (s *Server) URL(database string) string {
	return fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable", s.Addr, database)
}

// Start makes a cluster in a new temporary folder and starts it: as an unprivileged user, because PostgreSQL refuses root,
// and so not in a folder of the test, which only its user may enter.
func Start() (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	home, err := os.MkdirTemp("", "prediag-postgres-*")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: filepath.Join(home, "data"), bin: bin}
	password := filepath.Join(home, "password")
	if err := errors.Join(os.WriteFile(password, []byte(Password+"\n"), 0o644), unprivilegedOwner(home)); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", s.dir, "-U", "postgres", "--auth=scram-sha-256",
		"--pwfile="+password, "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions", "--no-sync")
	initdb.Dir = home
	unprivileged(initdb)
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	return s, s.Run()
}

// Run starts the server, again after Stop, at the address that it has.
func (s *Server) Run() error {
	if s.Addr == "" {
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		s.Addr = l.Addr().String()
		if err := l.Close(); err != nil {
			return err
		}
	}
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return err
	}
	s.cmd = exec.CommandContext(context.Background(), filepath.Join(s.bin, "postgres"), "-D", s.dir, "-p", port, "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=", "-c", "shared_buffers=16MB", "-c", "max_connections=60", "-c", "autovacuum=off")
	s.cmd.Dir = filepath.Dir(s.dir)
	unprivileged(s.cmd)
	log, err := os.Create(filepath.Join(filepath.Dir(s.dir), "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	return s.wait()
}

// wait returns when the server takes connections.
func (s *Server) wait() error {
	ready := filepath.Join(s.dir, "postmaster.pid")
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		raw, err := os.ReadFile(ready)
		if err == nil && slices.Contains(lines(raw), "ready   ") {
			return nil
		}
	}
	log, _ := os.ReadFile(filepath.Join(filepath.Dir(s.dir), "log"))
	return errors.Join(fmt.Errorf("PostgreSQL did not start: %s", log), s.Stop())
}

func lines(raw []byte) []string {
	var out []string
	start := 0
	for i, c := range raw {
		if c == '\n' {
			out, start = append(out, string(raw[start:i])), i+1
		}
	}
	return out
}

// Stop ends the server as after a power cut: what it acknowledged is on its disk.
func (s *Server) Stop() error {
	if s.cmd == nil {
		return nil
	}
	err := s.cmd.Process.Signal(immediateShutdown)
	_ = s.cmd.Wait() // it was asked to end
	s.cmd = nil
	return err
}

// Close stops the server and removes its folder.
func (s *Server) Close() error {
	return errors.Join(s.Stop(), os.RemoveAll(filepath.Dir(s.dir)))
}

// binaries is the folder of the newest server that is installed.
func binaries() (string, error) {
	newest, version := "", 0
	dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	for _, dir := range dirs {
		n, err := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
		if err == nil && n > version && complete(dir) {
			newest, version = dir, n
		}
	}
	if newest != "" {
		return newest, nil
	}
	if p, err := exec.LookPath("postgres"); err == nil && complete(filepath.Dir(p)) {
		return filepath.Dir(p), nil
	}
	return "", ErrMissing
}

func complete(dir string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}
