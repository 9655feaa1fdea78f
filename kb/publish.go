package kb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"prediag"
)

// publish gives the finished build its final name, opens it, points to it and serves it. After an error the generation
// before serves on, and what is left of the new one is removed by the next Apply.
func (k *KB) publish(b *builder, m *manifest) error {
	dir := filepath.Join(k.dir, genName(m.Number))
	if err := os.Rename(b.dir, dir); err != nil {
		return fmt.Errorf("publish generation %d: %w", m.Number, err)
	}
	if err := syncDir(k.dir); err != nil {
		return fmt.Errorf("publish generation %d: %w", m.Number, err)
	}
	g, err := openGeneration(dir, m)
	if err != nil {
		return err
	}
	if err := k.point(b, m); err != nil {
		k.logIf("close unpublished generation", g.retire())
		return fmt.Errorf("publish generation %d: %w", m.Number, err)
	}
	b.releaseBase() // or the swap would wait for it
	return k.serve(g)
}

// point makes a finished generation current, unless somebody else switched the pointer since the build began.
func (k *KB) point(b *builder, m *manifest) error {
	now, err := rawPointer(k.dir)
	if err != nil {
		return err
	}
	if now != b.before {
		return &prediag.Error{Kind: prediag.ErrConflict, Reason: "POINTER_SWITCHED", Message: fmt.Sprintf(
			"the knowledge base was switched from %q to %q while the build ran: refresh again, from what serves now", pointed(b.before), pointed(now))}
	}
	pointer := pointerTo(m)
	if err := replaceFile(filepath.Join(k.dir, pointerName), []byte(pointer)); err != nil {
		return err
	}
	k.seen(pointer)
	return nil
}

// serve swaps in a generation that the pointer file names already, once it knows what the one before it knew.
func (k *KB) serve(g *generation) error {
	for {
		k.mu.RLock()
		old := k.current
		k.mu.RUnlock()
		k.prime(old, g)
		if done, err := k.swap(old, g, ""); done {
			if old == nil {
				k.warm(g)
			}
			return err
		}
	}
}

// removeLeftovers removes what killed or failed builds left behind.
func (k *KB) removeLeftovers() {
	names, err := leftovers(k.dir, k.Generation().Number)
	k.logIf("list leftovers", err)
	for _, name := range names {
		k.logIf("remove leftover", removeWhole(k.dir, name))
	}
}

// removeOld removes the generations beyond those to keep; the newest was just made.
func (k *KB) removeOld(newest uint64) {
	numbers, err := generationNumbers(k.dir)
	k.logIf("list generations", err)
	kept := keptOf(k.dir, numbers, newest, k.opt.Keep)
	for _, n := range numbers {
		if !slices.Contains(kept, n) {
			k.logIf("remove old generation", removeWhole(k.dir, genName(n)))
		}
	}
}

// removeJournal removes the vectors that the newest generation holds.
func (k *KB) removeJournal() {
	err := os.Remove(filepath.Join(k.dir, journalName))
	if !errors.Is(err, fs.ErrNotExist) {
		k.logIf("remove the journal of vectors", err)
	}
}

func (k *KB) logIf(what string, err error) {
	if err != nil {
		k.opt.Logger.Warn(what, "error", err)
	}
}
