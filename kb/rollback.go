package kb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"prediag"
)

// Rollback makes an older (or again a newer) generation current in the folder dir, once all of its checksums are proved.
// A KB that has the folder open serves it from its next Reload on, and the next build starts from it; a build that runs
// meanwhile is abandoned. Rolling back to the current generation does nothing.
//
// An unknown generation is of kind prediag.ErrNotFound, a damaged one of prediag.ErrDamaged.
func Rollback(ctx context.Context, dir string, number uint64) (prediag.Generation, error) {
	m, err := provedManifest(ctx, dir, number)
	if err != nil {
		return prediag.Generation{}, fmt.Errorf("roll back to generation %d: %w", number, err)
	}
	numbers, err := generationNumbers(dir)
	if err != nil {
		return prediag.Generation{}, err
	}
	highest, err := readHighest(dir)
	if err != nil {
		return prediag.Generation{}, err
	}
	// What is newer was current once, or would be removed as a left-over: it stays, to go forward to again.
	if numbers[0] > max(highest, number) {
		if err := writeHighest(dir, numbers[0]); err != nil {
			return prediag.Generation{}, err
		}
	}
	return m.generation(), replaceFile(filepath.Join(dir, pointerName), []byte(pointerTo(m)))
}

// provedManifest reads the manifest of a generation that this program can serve, and proves every file of it.
func provedManifest(ctx context.Context, dir string, number uint64) (*manifest, error) {
	folder := filepath.Join(dir, genName(number))
	if _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) || number == 0 {
		return nil, &prediag.Error{Kind: prediag.ErrNotFound, Reason: "GENERATION_NOT_FOUND", Field: "generation",
			Message: fmt.Sprintf("there is no generation %d: prediag kb list shows those that are kept", number)}
	}
	m, err := servable(folder, number)
	if err != nil {
		return nil, err
	}
	return m, m.verify(ctx, folder)
}

// servable reads a generation's manifest and says why this program cannot serve it.
func servable(folder string, number uint64) (*manifest, error) {
	m, err := readManifest(folder)
	switch {
	case err != nil:
		return nil, err
	case m.Number != number:
		return nil, fmt.Errorf("manifest is of another generation: %w", prediag.ErrDamaged)
	case m.Format != format || m.Schema != schema:
		return nil, fmt.Errorf("format %d, schema %d where this program has %d, %d: ingest again", m.Format, m.Schema, format, schema)
	}
	return m, nil
}

// seen remembers what the pointer file said.
func (k *KB) seen(pointer string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.looked = pointer
}

// Reload serves the generation that the pointer file names, where somebody else switched it since: a rollback, or another
// process that publishes into the folder. It reports whether another generation serves than before. While a build runs
// it does nothing. A pointer that leads to no usable generation is refused once, with an error; what served goes on.
func (k *KB) Reload() (bool, error) {
	pointer, err := rawPointer(k.dir)
	if err != nil {
		return false, err
	}
	k.mu.RLock()
	same := pointer == k.looked || k.closed
	k.mu.RUnlock()
	if same || !k.building.TryLock() {
		return false, nil
	}
	defer k.building.Unlock()
	k.seen(pointer)
	number, hash, err := parsePointer(pointer)
	if err != nil {
		return false, err
	}
	if serving := k.Generation(); serving.Number == number && serving.Hash == hash {
		return false, nil
	}
	g, err := k.tryOpen(number, hash, k.opt.VerifyBytes)
	if err != nil {
		return false, fmt.Errorf("generation %d, which the pointer file names: %w", number, err)
	}
	k.verifyLater(g)
	return true, k.serve(g)
}
