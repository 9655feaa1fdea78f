package eval

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"prediag"
)

// Fetcher brings files from the network, one at a time.
type Fetcher struct {
	Client *http.Client  // nil: http.DefaultClient
	Limit  int64         // bytes of one file; 0: 256 MiB
	Idle   time.Duration // without a byte before a try is given up; 0: 30 s
	Tries  int           // 0: 3; each goes on where the one before stopped
}

func (f Fetcher) withDefaults() Fetcher {
	if f.Client == nil {
		f.Client = http.DefaultClient
	}
	if f.Limit == 0 {
		f.Limit = 256 << 20
	}
	if f.Idle == 0 {
		f.Idle = 30 * time.Second
	}
	if f.Tries == 0 {
		f.Tries = 3
	}
	return f
}

// errFinal is a failure that another try does not mend.
type errFinal struct{ error }

func (e errFinal) Unwrap() error { return e.error }

// File fetches url into a file. What was received of it stands in FILE.part, from where the next try or the next call goes
// on; FILE appears only when it is whole. Over the limit the error is of kind ErrTooLarge; a source that has no such file
// is of kind ErrNotFound.
func (f Fetcher) File(ctx context.Context, url, file string) error {
	f = f.withDefaults()
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	var err error
	for try := range f.Tries {
		if try > 0 {
			select {
			case <-ctx.Done():
			case <-time.After(time.Duration(try) * 200 * time.Millisecond):
			}
		}
		err = f.try(ctx, url, file+".part")
		var final errFinal
		if err == nil || ctx.Err() != nil || errors.As(err, &final) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("fetch %s: %w (what was received is kept; the same call goes on from there)", url, err)
	}
	if err := os.Rename(file+".part", file); err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	return syncDir(filepath.Dir(file))
}

// try asks for what is missing of the part and appends it.
func (f Fetcher) try(ctx context.Context, url, part string) (err error) {
	out, err := os.OpenFile(filepath.Clean(part), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return errFinal{err}
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	have, err := out.Seek(0, io.SeekEnd)
	if err != nil {
		return errFinal{err}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idle := time.AfterFunc(f.Idle, func() { cancel(fmt.Errorf("nothing was received for %s", f.Idle)) })
	defer idle.Stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return errFinal{err}
	}
	request.Header.Set("Accept-Encoding", "identity")
	if have > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	response, err := f.Client.Do(request)
	if err != nil {
		return because(ctx, err)
	}
	defer func() { _ = response.Body.Close() }() // only read from
	if have, err = startAt(response, out, have); err != nil {
		return err
	}
	body := &watched{io.LimitReader(response.Body, f.Limit-have+1), idle, f.Idle}
	n, err := io.Copy(out, body)
	switch {
	case err != nil:
		return because(ctx, err)
	case have+n > f.Limit:
		return errFinal{fmt.Errorf("over %d bytes: %w", f.Limit, prediag.ErrTooLarge)}
	}
	return out.Sync()
}

// startAt says from which byte on the answer is, and empties the part where that is the first.
func startAt(r *http.Response, out *os.File, have int64) (int64, error) {
	switch r.StatusCode {
	case http.StatusPartialContent:
		if !strings.HasPrefix(r.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", have)) {
			return 0, errors.Join(fmt.Errorf("asked for bytes from %d, got %q", have, r.Header.Get("Content-Range")), out.Truncate(0))
		}
		return have, nil
	case http.StatusOK:
		return 0, out.Truncate(0)
	case http.StatusRequestedRangeNotSatisfiable: // the part is as long as the file, or longer: begin anew
		return 0, errors.Join(errors.New("the part does not fit the file"), out.Truncate(0))
	case http.StatusNotFound, http.StatusGone:
		return 0, errFinal{fmt.Errorf("the source says %s: %w", r.Status, prediag.ErrNotFound)}
	}
	err := fmt.Errorf("the source says %s", r.Status)
	if r.StatusCode < 500 && r.StatusCode != http.StatusTooManyRequests {
		err = errFinal{err}
	}
	return 0, err
}

// because gives the reason for which a request was ended, where that was not the network's.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// watched puts the deadline off with every byte.
type watched struct {
	r     io.Reader
	timer *time.Timer
	idle  time.Duration
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if n > 0 {
		w.timer.Reset(w.idle)
	}
	return n, err
}
