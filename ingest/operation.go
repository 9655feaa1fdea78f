package ingest

import (
	"fmt"
	"time"
)

// OperationState is where an operation stands.
type OperationState string

// The states of an operation.
const (
	OperationRunning   OperationState = "RUNNING"
	OperationSucceeded OperationState = "SUCCEEDED"
	OperationFailed    OperationState = "FAILED" // the generation before serves on
)

// Operation is one refresh of the loop, as it stood when it was asked for.
type Operation struct {
	ID       string         `json:"id"`
	State    OperationState `json:"state"`
	Force    bool           `json:"force,omitempty"`
	Progress Progress       `json:"progress"`
	Report   Report         `json:"report"` // as far as it came, once it has ended
	Error    string         `json:"error,omitempty"`
	Started  time.Time      `json:"started"`
	Ended    time.Time      `json:"ended,omitzero"`
}

// maxOperations is how many operations are remembered.
const maxOperations = 100

// Operation returns the operation with this ID, one of the last 100 of this process.
func (in *Ingester) Operation(id string) (Operation, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, op := range in.ops {
		if op.ID == id {
			return *op, true
		}
	}
	return Operation{}, false
}

// Last returns the operation that runs, or else the one that ran last, and whether there is one.
func (in *Ingester) Last() (Operation, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.ops) == 0 {
		return Operation{}, false
	}
	return *in.ops[len(in.ops)-1], true
}

// Next is when the loop's next refresh is due, by the clock; the zero time while none is planned.
func (in *Ingester) Next() time.Time {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.next
}

// open returns the operation that has not ended, or begins one; in.mu is held.
func (in *Ingester) open(force bool) *Operation {
	if n := len(in.ops); n > 0 && in.ops[n-1].State == OperationRunning {
		return in.ops[n-1]
	}
	in.started++
	op := &Operation{
		ID: fmt.Sprintf("refresh-%s-%d", in.epoch, in.started), State: OperationRunning, Force: force,
		Progress: Progress{Stage: StageReading}, Started: in.opt.Now(),
	}
	in.ops = append(in.ops, op)
	if len(in.ops) > maxOperations {
		in.ops = in.ops[1:]
	}
	return op
}

// progressed records how far the operation is, and tells the Ingester's own listener.
func (in *Ingester) progressed(op *Operation, p Progress) {
	in.mu.Lock()
	op.Progress = p
	in.mu.Unlock()
	if in.opt.Progress != nil {
		in.opt.Progress(p)
	}
}

// closeOperation records the end of an operation.
func (in *Ingester) closeOperation(op *Operation, rep Report, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	op.State, op.Report, op.Ended = OperationSucceeded, rep, in.opt.Now()
	if err != nil {
		op.State, op.Error = OperationFailed, err.Error()
	}
}
