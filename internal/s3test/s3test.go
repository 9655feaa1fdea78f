// Package s3test starts an object store that speaks S3, for tests.
package s3test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// ErrMissing is the error where no such server can be made; tests are skipped then.
var ErrMissing = errors.New("the S3 server of tools/s3 cannot be built")

// Other names a binary of versitygw, https://github.com/versity/versitygw, to be used in place of the server of tools/s3.
const Other = "PREDIAG_S3_SERVER"

// The keys that the server takes.
const (
	AccessKey = "test-access-key"
	SecretKey = "test-secret-key"
)

const patience = 60 * time.Second

// Server is a running store with one bucket.
type Server struct {
	Addr   string // HOST:PORT on the loopback
	Bucket string
	dir    string
	cmd    *exec.Cmd
}

// Environment is what a client needs beside the address.
func Environment() []string {
	return []string{"AWS_ACCESS_KEY_ID=" + AccessKey, "AWS_SECRET_ACCESS_KEY=" + SecretKey}
}

// URL is the address of a prefix of the bucket, as seen through addr; empty: directly.
func (s *Server) URL(addr, prefix string) string {
	if addr == "" {
		addr = s.Addr
	}
	return fmt.Sprintf("s3://%s/%s?endpoint=http://%s&path-style=true&region=us-east-1", s.Bucket, prefix, addr)
}

// Start runs a server with an empty bucket. It builds the server first, which takes a few seconds once.
func Start() (*Server, error) {
	dir, err := os.MkdirTemp("", "prediag-s3-*")
	if err != nil {
		return nil, err
	}
	s := &Server{Bucket: "generations", dir: dir}
	if other := os.Getenv(Other); other != "" {
		err = s.startOther(other)
	} else {
		err = s.startOwn()
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) startOwn() error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	binary := filepath.Join(s.dir, "s3")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, ".")
	build.Dir = filepath.Join(root, "tools", "s3")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %w: %s", ErrMissing, err, out)
	}
	s.cmd = exec.CommandContext(context.Background(), binary, s.Bucket)
	s.cmd.Env = append(os.Environ(), Environment()...)
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		return err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	s.Addr = strings.TrimSpace(line)
	return err
}

func (s *Server) startOther(binary string) error {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.Addr = l.Addr().String()
	data := filepath.Join(s.dir, "data")
	if err := errors.Join(l.Close(), os.MkdirAll(filepath.Join(data, s.Bucket), 0o755), os.MkdirAll(filepath.Join(s.dir, "sidecar"), 0o755)); err != nil {
		return err
	}
	s.cmd = exec.CommandContext(context.Background(), binary, "--quiet", "--port", s.Addr, "--access", AccessKey, "--secret", SecretKey,
		"posix", "--sidecar", filepath.Join(s.dir, "sidecar"), data)
	if err := s.cmd.Start(); err != nil {
		return err
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if c, err := new(net.Dialer).DialContext(context.Background(), "tcp", s.Addr); err == nil {
			return c.Close()
		}
	}
	return fmt.Errorf("%s did not listen on %s", binary, s.Addr)
}

// Close stops the server and removes what it holds.
func (s *Server) Close() error {
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait() // it was killed
	}
	return os.RemoveAll(s.dir)
}

// moduleRoot is the folder of the module that the test runs in.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "tools", "s3", "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	return "", errors.Join(ErrMissing, err)
}
