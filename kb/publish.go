package kb

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
	pointer := fmt.Sprintf("%s %s\n", genName(m.Number), m.Sum)
	if err := replaceFile(filepath.Join(k.dir, pointerName), []byte(pointer)); err != nil {
		k.logIf("close unpublished generation", g.retire())
		return fmt.Errorf("publish generation %d: %w", m.Number, err)
	}
	b.releaseBase() // or the swap would wait for it
	return k.serve(g)
}

// serve swaps in a generation that the pointer file names already.
func (k *KB) serve(g *generation) error {
	for {
		k.mu.RLock()
		old := k.current
		k.mu.RUnlock()
		if done, err := k.swap(old, g, ""); done {
			return err
		}
	}
}

// removeLeftovers removes what killed or failed builds left behind: build folders, temporary files, and generations
// newer than the serving one that the pointer file does not name.
func (k *KB) removeLeftovers() {
	entries, err := os.ReadDir(k.dir)
	k.logIf("list leftovers", err)
	pointed, _, pointerErr := readPointer(k.dir)
	serving := k.Generation().Number
	for _, e := range entries {
		number, isGeneration := parseGenName(e.Name())
		switch {
		case strings.HasPrefix(e.Name(), buildPrefix), e.Name() == pointerName+".tmp":
		case isGeneration && pointerErr == nil && pointed > 0 && serving == pointed && number > pointed:
		default:
			continue
		}
		k.logIf("remove leftover", os.RemoveAll(filepath.Join(k.dir, e.Name())))
	}
}

// removeOld removes the generations beyond those to keep; the newest was just made.
func (k *KB) removeOld(newest uint64) {
	numbers, err := generationNumbers(k.dir)
	k.logIf("list generations", err)
	kept := 0
	for _, n := range numbers {
		if n <= newest && kept < k.opt.Keep {
			if _, err := readManifest(filepath.Join(k.dir, genName(n))); err == nil {
				kept++
				continue
			}
		}
		k.logIf("remove old generation", os.RemoveAll(filepath.Join(k.dir, genName(n))))
	}
}

func (k *KB) logIf(what string, err error) {
	if err != nil {
		k.opt.Logger.Warn(what, "error", err)
	}
}
