package classifier

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Watcher takes in the model that becomes current in a folder. A model that cannot be loaded changes nothing but Fault:
// the one before serves on.
type Watcher struct {
	live *Live
	dir  string

	mu    sync.Mutex // of a look, which may take as long as loading a model
	seen  string     // mark of the folder at the last look
	tried string     // mark that could not be loaded
	wait  int        // looks until it is tried again, since somebody may mend a file in its place
	fault atomic.Pointer[error]
}

// retryLooks is how many looks pass before a model that could not be loaded is tried again.
const retryLooks = 15

// NewWatcher watches the folder from which the model that live serves was loaded.
func NewWatcher(live *Live, dir string) *Watcher {
	return &Watcher{live: live, dir: dir}
}

// Fault is why the folder's current model does not serve; nil when it does.
func (w *Watcher) Fault() error {
	if err := w.fault.Load(); err != nil {
		return *err
	}
	return nil
}

// Run looks at the folder every so often until ctx ends, and reports each swap with its new version, and each failure.
func (w *Watcher) Run(ctx context.Context, every time.Duration, report func(version string, err error)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if version, err := w.Look(); version != "" || err != nil {
			report(version, err)
		}
	}
}

// Look compares the folder with the model that serves and takes another one in. It returns the version that it took
// in, empty when there was nothing new, and an error when a model could not be loaded, once for each.
//
// A folder that is being written to is given until the next look.
func (w *Watcher) Look() (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	mark := w.mark()
	settled := mark == w.seen
	w.seen = mark
	if mark == w.live.Model().Version() {
		w.fault.Store(nil)
		w.tried = ""
		return "", nil
	}
	if !settled {
		return "", nil
	}
	known := mark == w.tried
	if w.wait--; known && w.wait > 0 {
		return "", nil
	}
	m, err := Load(w.dir)
	if err != nil {
		w.fault.Store(&err)
		w.tried, w.wait = mark, retryLooks
		if known {
			return "", nil
		}
		return "", fmt.Errorf("the model in %q does not serve, version %s serves on: %w", w.dir, w.live.Model().Version(), err)
	}
	w.fault.Store(nil)
	w.tried = ""
	if !w.live.Swap(m) {
		return "", nil
	}
	return m.Version(), nil
}

// mark tells the folder's current model from others: its version, without looking at more than its manifest; or what
// is wrong with that.
func (w *Watcher) mark() string {
	folder, err := resolve(w.dir)
	if err == nil {
		var data []byte
		if data, err = readFile(filepath.Join(folder, manifestName), maxManifest); err == nil {
			return short(data)
		}
	}
	return err.Error()
}
