package kb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"prediag"
)

// nextNumber is the number of the next generation: greater than that of any that is there or has ever been current, for
// answers name the generation that they came from.
func nextNumber(dir string) (uint64, error) {
	numbers, err := generationNumbers(dir)
	if err != nil {
		return 0, err
	}
	highest, err := readHighest(dir)
	if err != nil {
		return 0, err
	}
	if len(numbers) > 0 {
		highest = max(highest, numbers[0])
	}
	return highest + 1, nil
}

// readHighest is the greatest number that was current when the pointer went back; 0: it never did.
func readHighest(dir string) (uint64, error) {
	raw, err := os.ReadFile(filepath.Join(dir, highestName))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("highest generation: %w", err)
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(raw)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("file %s does not hold a number: %w: remove it", highestName, prediag.ErrDamaged)
	}
	return n, nil
}

// writeHighest remembers a number.
func writeHighest(dir string, number uint64) error {
	return replaceFile(filepath.Join(dir, highestName), fmt.Appendf(nil, "%d\n", number))
}

// keptOf says which generations stay when newest serves: it and those that it was built out of, as many as keep says.
// Where that line ends, older ones take its place. What somebody rolled back from is not in the line, so that it never
// takes the place of a good one. Generations without a manifest do not count.
func keptOf(dir string, numbers []uint64, newest uint64, keep int) []uint64 {
	var kept []uint64
	for at := newest; at > 0 && len(kept) < keep; {
		var base uint64
		if m, err := readManifest(filepath.Join(dir, genName(at))); err == nil {
			kept, base = append(kept, at), m.Base
		}
		if base == 0 || base >= at || !slices.Contains(numbers, base) {
			base = 0
			for _, n := range numbers { // the newest first
				if n < at {
					base = n
					break
				}
			}
		}
		at = base
	}
	return kept
}

// leftovers lists what killed or failed builds left in the folder: build folders, temporary files, and generations that
// never became current: those above the current one and above any that somebody rolled back from. While another
// generation serves than the pointer names, such ones stay.
func leftovers(dir string, serving uint64) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	current, _, err := readPointer(dir)
	if err != nil || current != serving {
		current = 0
	}
	highest, err := readHighest(dir)
	if err != nil {
		current = 0
	}
	var names []string
	for _, e := range entries {
		number, isGeneration := parseGenName(e.Name())
		switch {
		case strings.HasPrefix(e.Name(), buildPrefix), strings.Contains(e.Name(), tempMark):
		case isGeneration && current > 0 && number > max(current, highest):
		default:
			continue
		}
		names = append(names, e.Name())
	}
	return names, nil
}

// Collected says what Collect removed.
type Collected struct {
	Names []string // folders and files within the knowledge base's folder
	Bytes int64    // that no other generation shares
}

// Collect removes from the folder dir what no kept generation needs, and what killed builds left behind. keep is as
// Options.Keep. The caller makes sure that no other process builds in the folder; searches may go on. Without a
// generation that the pointer file names only left-overs go.
func Collect(dir string, keep int) (Collected, error) {
	keep = Options{Keep: keep}.complete().Keep
	current, _, err := readPointer(dir)
	if err != nil {
		return Collected{}, fmt.Errorf("%w: let a refresh mend it first", err)
	}
	names, err := leftovers(dir, current)
	if err != nil {
		return Collected{}, err
	}
	numbers, err := generationNumbers(dir)
	if err != nil {
		return Collected{}, err
	}
	if current > 0 {
		if _, err := readManifest(filepath.Join(dir, genName(current))); err != nil {
			return Collected{}, fmt.Errorf("generation %d, which is current: %w: let a refresh mend it first", current, err)
		}
		kept := keptOf(dir, numbers, current, keep)
		for _, n := range numbers {
			if name := genName(n); !slices.Contains(kept, n) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		if len(numbers) > 0 && numbers[0] > current { // its number must not come again
			highest, err := readHighest(dir)
			if err != nil {
				return Collected{}, err
			}
			if err := writeHighest(dir, max(highest, numbers[0])); err != nil {
				return Collected{}, err
			}
		}
	}
	before := diskBytes(dir)
	c := Collected{Names: names}
	for _, name := range names {
		if err := removeWhole(dir, name); err != nil {
			return c, err
		}
	}
	c.Bytes = before - diskBytes(dir)
	return c, syncDir(dir)
}
