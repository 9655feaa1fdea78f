package kb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"prediag"
)

// Info describes a generation on disk.
type Info struct {
	prediag.Generation
	Base    uint64 // the generation that it was built out of; 0: from scratch
	Own     int64  // bytes of files that Base does not have
	Current bool   // the pointer file names it
	Twins   Twins
	Golden  *GoldenResult // nil: no golden queries were given
	Fault   string        // why it cannot serve, as far as its names and sizes tell; empty: nothing
}

// List describes the generations in the folder dir, the newest first. It takes no lock and opens no index.
func List(dir string) ([]Info, error) {
	numbers, err := generationNumbers(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	current, hash, pointerErr := readPointer(dir)
	var list []Info
	for _, n := range numbers {
		info := Info{Generation: prediag.Generation{Number: n}, Current: n == current}
		m, err := servable(filepath.Join(dir, genName(n)), n)
		switch {
		case err != nil:
			info.Fault = err.Error()
		case info.Current && m.Sum != hash:
			info.Fault = "manifest is not the one that the pointer file names"
		default:
			info.Generation, info.Base, info.Own, info.Twins, info.Golden = m.generation(), m.Base, ownBytes(dir, m), m.Twins, m.Golden
		}
		list = append(list, info)
	}
	return list, pointerErr
}

// ownBytes adds up the files of a generation that its base does not have.
func ownBytes(dir string, m *manifest) int64 {
	shared := map[fileSum]bool{}
	if base, err := readManifest(filepath.Join(dir, genName(m.Base))); m.Base > 0 && err == nil {
		for _, f := range base.Files {
			shared[f] = true
		}
	}
	var n int64
	for _, f := range m.Files {
		if !shared[f] {
			n += f.Size
		}
	}
	return n
}

// diskBytes adds up the files under a folder, each once however many names it has.
func diskBytes(dir string) int64 {
	var n int64
	seen := map[int64][]fs.FileInfo{} // by size
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // what vanishes meanwhile does not count
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		if !slices.ContainsFunc(seen[info.Size()], func(o fs.FileInfo) bool { return os.SameFile(o, info) }) {
			seen[info.Size()] = append(seen[info.Size()], info)
			n += info.Size()
		}
		return nil
	})
	return n
}

// Fault is a file that is not what its generation's manifest says.
type Fault struct {
	Generation uint64 // 0: the file stands beside the generations
	File       string // relative to the knowledge base's folder
	What       string
}

// Verify proves every file of the generations with these numbers, or of all where none is given, and the pointer file. It
// returns what is wrong, in order, and the number of bytes proved; progress, which may be nil, is told of them. Files that
// generations share are read once. A number that is not there is of kind prediag.ErrNotFound.
func Verify(ctx context.Context, dir string, numbers []uint64, progress func(done, total int64)) ([]Fault, int64, error) {
	all, err := generationNumbers(dir)
	if err != nil {
		return nil, 0, err
	}
	var faults []Fault
	current, _, err := readPointer(dir)
	if err == nil && current > 0 && !slices.Contains(all, current) {
		err = fmt.Errorf("names generation %d, which is not there", current)
	}
	if err != nil {
		faults = append(faults, Fault{File: pointerName, What: err.Error()})
	}
	if len(numbers) == 0 {
		numbers = all
	}
	v := verifier{dir: dir, proved: map[string][]provedFile{}, progress: progress, faults: faults}
	for _, n := range numbers {
		if !slices.Contains(all, n) {
			return nil, 0, &prediag.Error{Kind: prediag.ErrNotFound, Reason: "GENERATION_NOT_FOUND", Field: "generation",
				Message: fmt.Sprintf("there is no generation %d: prediag kb list shows those that are kept", n)}
		}
	}
	return v.run(ctx, numbers)
}

// verifier proves generations.
type verifier struct {
	dir         string
	proved      map[string][]provedFile // by what the manifest says
	done, total int64
	progress    func(done, total int64)
	faults      []Fault
}

// provedFile is a file that was read already, under one of its names.
type provedFile struct {
	info fs.FileInfo
	what string // is wrong with it
}

func (v *verifier) run(ctx context.Context, numbers []uint64) ([]Fault, int64, error) {
	manifests := make([]*manifest, len(numbers))
	for i, n := range numbers {
		data, err := os.ReadFile(filepath.Join(v.dir, genName(n), manifestName))
		if err == nil {
			manifests[i], err = decodeManifest(data)
		}
		if err == nil && manifests[i].Number != n {
			err = errors.New("is of another generation")
		}
		if err != nil {
			v.fault(n, manifestName, err.Error())
			manifests[i] = &manifest{}
		}
		v.total += manifests[i].bytes()
	}
	for i, m := range manifests {
		for _, f := range m.Files {
			if err := v.file(ctx, numbers[i], f); err != nil {
				return v.faults, v.done, err
			}
		}
	}
	return v.faults, v.done, nil
}

func (v *verifier) fault(number uint64, file, what string) {
	v.faults = append(v.faults, Fault{Generation: number, File: genName(number) + "/" + file, What: what})
}

// file proves one file; the error is ctx's.
func (v *verifier) file(ctx context.Context, number uint64, f fileSum) error {
	name := filepath.Join(v.dir, genName(number), filepath.FromSlash(f.Name))
	info, err := os.Stat(name)
	if err != nil {
		v.fault(number, f.Name, "is missing or cannot be read: "+err.Error())
		return nil
	}
	what, known := "", false
	for _, p := range v.proved[f.SHA256] {
		if os.SameFile(p.info, info) {
			what, known = p.what, true
		}
	}
	if !known {
		sum, size, err := hashFile(ctx, name)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			what = "cannot be read: " + err.Error()
		case size != f.Size:
			what = fmt.Sprintf("has %d bytes where the manifest says %d", size, f.Size)
		case sum != f.SHA256:
			what = "has another SHA-256 than the manifest says"
		}
		v.proved[f.SHA256] = append(v.proved[f.SHA256], provedFile{info, what})
	}
	if what != "" {
		v.fault(number, f.Name, what)
	}
	v.done += f.Size
	if v.progress != nil {
		v.progress(v.done, v.total)
	}
	return nil
}
