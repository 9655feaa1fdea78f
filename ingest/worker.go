package ingest

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"prediag"
)

// A parser that does not end cannot be stopped inside a process, and one that overflows its stack ends the process. So
// parsers run in children that read tasks on their standard input and write results on their standard output: the
// kernel stops one that computes for too long, takes too much memory or tries to write a file, and the parent kills one
// that is silent for too long.

const (
	wallFactor      = 5        // how much longer than it may compute a parser may take by the clock: the machine may be busy
	workerMemory    = 1 << 30  // bytes of writable memory
	workerStack     = 64 << 20 // bytes of a goroutine's stack: no text that a reader would want needs a hundredth of it
	maxWorkerErrors = 4 << 10  // bytes that are kept of what a child says when it breaks down
)

const (
	workerHello = "prediag parse worker " + parserVersion // what a child says first: another program would say nothing, or something else
	helloWait   = 20 * time.Second
)

// result is what a child answers.
type result struct {
	Article prediag.Article
	Reason  string
	Fault   string // of a panic
}

// Work runs parsers for a parent process: it reads tasks from in and writes results to out until in ends. The process
// gives up its right to write files and to use much memory, so nothing else may run in it. It returns an error when the
// parent does not speak the same protocol or went away.
func Work(in io.Reader, out io.Writer) error { return work(in, out, answer) }

func work(in io.Reader, out io.Writer, answer func(*task) result) error {
	arm, err := confine(workerMemory)
	if err != nil {
		return fmt.Errorf("parse worker: %w", err)
	}
	debug.SetMaxStack(workerStack)
	var limit time.Duration
	dec, enc := gob.NewDecoder(in), gob.NewEncoder(out)
	if err := dec.Decode(&limit); err != nil {
		return fmt.Errorf("parse worker: %w", err)
	}
	if err := enc.Encode(workerHello); err != nil {
		return fmt.Errorf("parse worker: %w", err)
	}
	for {
		var t task
		if err := dec.Decode(&t); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("parse worker: %w", err)
		}
		arm(limit)
		res := answer(&t)
		if err := enc.Encode(&res); err != nil {
			return fmt.Errorf("parse worker: %w", err)
		}
	}
}

// answer parses a task; a panic becomes a result.
func answer(t *task) (res result) {
	defer func() {
		if p := recover(); p != nil {
			res = result{Reason: SkipPanic, Fault: fmt.Sprintf("panic: %v\n%s", p, debug.Stack())}
		}
	}()
	a, reason := t.parse()
	return result{Article: a, Reason: reason}
}

// pool runs parsers in children.
type pool struct {
	command []string
	limit   time.Duration // of computing, for one task
	free    chan *child   // children that wait for a task; nil stands for one that is not started
	cancel  context.CancelFunc
	ctx     context.Context // ends the children
}

// newPool starts one child, to see that the command is a worker; the others follow when they are needed.
func newPool(command []string, size int, limit time.Duration) (*pool, error) {
	ctx, cancel := context.WithCancel(context.Background())
	p := &pool{command: command, limit: limit, free: make(chan *child, size), ctx: ctx, cancel: cancel}
	first, err := p.start()
	if err != nil {
		cancel()
		return nil, err
	}
	p.free <- first
	for range size - 1 {
		p.free <- nil
	}
	return p, nil
}

// close ends the children. No parse may be under way.
func (p *pool) close() {
	p.cancel()
	for range cap(p.free) {
		if c := <-p.free; c != nil {
			c.stop()
		}
	}
}

// parse hands a task to a child. A child that fails it is replaced.
func (p *pool) parse(ctx context.Context, t *task) (prediag.Article, string, error) {
	if err := ctx.Err(); err != nil {
		return prediag.Article{}, SkipNoWorker, err
	}
	var c *child
	select {
	case c = <-p.free:
	case <-ctx.Done():
		return prediag.Article{}, SkipNoWorker, ctx.Err()
	}
	back := (*child)(nil)
	defer func() { p.free <- back }()
	if c == nil {
		var err error
		if c, err = p.start(); err != nil {
			return prediag.Article{}, SkipNoWorker, err
		}
	}
	res, ok, err := c.do(ctx, t, wallFactor*p.limit)
	if ok {
		back = c
		if res.Fault != "" {
			err = errors.New(res.Fault)
		}
		return res.Article, res.Reason, err
	}
	reason := c.stop()
	return prediag.Article{}, reason, fmt.Errorf("parse worker: %w: %s", err, c.said.String())
}

// child is a process that parses.
type child struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	enc    *gob.Encoder
	dec    *gob.Decoder
	said   *tail
	killed bool // by the parent, for it took too long
}

// start starts a child and waits until it says what it is.
func (p *pool) start() (*child, error) {
	if os.Getenv(workerEnv) != "" {
		return nil, errors.New("parse worker: this process is one itself")
	}
	cmd := exec.CommandContext(p.ctx, p.command[0], p.command[1:]...)
	cmd.Env = []string{"GOMAXPROCS=2", "GOTRACEBACK=none", workerEnv + "=1"} // nothing of the parent's, least of all credentials
	c := &child{cmd: cmd, said: &tail{}}
	cmd.Stderr = c.said
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("parse worker: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("parse worker: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("parse worker: %w", err)
	}
	c.in, c.enc, c.dec = in, gob.NewEncoder(in), gob.NewDecoder(out)
	silent := time.AfterFunc(helloWait, func() { _ = cmd.Process.Kill() })
	defer silent.Stop()
	var hello string
	err = c.enc.Encode(p.limit)
	if err == nil {
		err = c.dec.Decode(&hello)
	}
	if err == nil && hello != workerHello {
		err = fmt.Errorf("it says %q", hello)
	}
	if err != nil {
		c.stop()
		return nil, fmt.Errorf("parse worker %q does not answer as one: %w: %s", p.command[0], err, c.said.String())
	}
	return c, nil
}

// workerEnv is set in the environment of every child.
const workerEnv = "PREDIAG_PARSE_WORKER"

// do sends a task and waits for its result. It returns false when the child is of no more use.
func (c *child) do(ctx context.Context, t *task, wall time.Duration) (result, bool, error) {
	type reply struct {
		result result
		err    error
	}
	ch := make(chan reply, 1)
	go func() {
		var r reply
		if r.err = c.enc.Encode(t); r.err == nil {
			r.err = c.dec.Decode(&r.result)
		}
		ch <- r
	}()
	timer := time.NewTimer(wall)
	defer timer.Stop()
	select {
	case r := <-ch:
		return r.result, r.err == nil, r.err
	case <-timer.C:
		c.killed = true
	case <-ctx.Done():
		c.killed = true
	}
	_ = c.cmd.Process.Kill() // it may just have ended
	<-ch                     // the pipes break
	return result{}, false, errors.New("no answer in time")
}

// stop ends the child and says why it ended, as a reason for the task that it was at.
func (c *child) stop() string {
	_ = c.in.Close()
	if !c.killed {
		time.AfterFunc(time.Second, func() { _ = c.cmd.Process.Kill() }) // one that waits for input ends by itself
	}
	_ = c.cmd.Wait() // the state says more
	switch {
	case c.killed, c.cmd.ProcessState.ExitCode() == exitCPU:
		return SkipTimeout
	case strings.Contains(c.said.String(), "out of memory") || strings.Contains(c.said.String(), "cannot allocate memory"):
		return SkipMemory
	}
	return SkipPanic
}

// exitCPU is the exit code of a child that computed for too long.
const exitCPU = 75

// tail keeps the beginning of what is written to it.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p[:min(len(p), maxWorkerErrors-len(t.b))]...)
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.b))
}
