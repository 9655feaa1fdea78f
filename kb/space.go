package kb

import (
	"fmt"

	"prediag"
)

const (
	// spaceFactor times the estimate must be free before a build begins: merging segments writes what it merges once more
	// before it can remove it.
	spaceFactor = 2.2
	// leastEstimate is what a build is estimated to write at least, bytes.
	leastEstimate = 4 << 20
)

// checkSpace refuses a build that the disk may have no room for. The estimate is the size of the generation that the new
// one is built out of, or else of the newest on disk: in the worst case all of it is merged and written anew.
func (b *builder) checkSpace() error {
	estimate := int64(leastEstimate)
	if b.base != nil {
		estimate = max(estimate, b.base.manifest.bytes())
	} else if list, err := List(b.kb.dir); err == nil && len(list) > 0 {
		estimate = max(estimate, list[0].Bytes)
	}
	free, err := b.kb.opt.Free(b.kb.dir)
	if err != nil {
		return fmt.Errorf("free space of %q: %w", b.kb.dir, err)
	}
	need := int64(spaceFactor * float64(estimate))
	if free < 0 || free >= need {
		return nil
	}
	return &prediag.Error{Kind: prediag.ErrOverloaded, Reason: "DISK_FULL", Message: fmt.Sprintf(
		"%.1f MB are free at %q and a new generation may need %.1f MB: the generation before serves on; make room, or free some with prediag kb gc --keep 1",
		float64(free)/1e6, b.kb.dir, float64(need)/1e6)}
}
