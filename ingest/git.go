package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5"
	gitconfig "github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/utils/merkletrie"
)

// gitRepo is the files of a branch of a git repository: one on this machine, or a clone that is kept in the cache and
// brought up to date over HTTPS. Only what changed since the last commit is read.
type gitRepo struct {
	c     SourceConfig
	s     Setup
	local string // path of a repository on this machine; empty: it is cloned
	clone string // folder of the clone
}

const (
	gitTimeout = 15 * time.Minute // default limit on a fetch
	gitBytes   = 2 << 30          // default limit on what a fetch brings
	gitRef     = plumbing.ReferenceName("refs/heads/prediag-source")
)

// gitMark is the commit that was read last.
type gitMark struct {
	Commit string `json:"commit"`
}

func gitKind() kind {
	keys := append([]string{"branch", "path", "depth", "columns"}, networkKeys[:]...)
	return kind{keys: keys, open: func(c SourceConfig, s Setup) (Source, error) {
		g := &gitRepo{c: c, s: s}
		g.c.Path = strings.Trim(path.Clean("/"+c.Path), "/")
		if !strings.Contains(c.Location, "://") {
			if g.local = c.Location; !filepath.IsAbs(g.local) {
				g.local = filepath.Join(s.Dir, g.local)
			}
			return g, nil
		}
		if _, err := newClient(c, s); err != nil { // the same rules hold for the address
			return nil, err
		}
		sum := sha256.Sum256([]byte(c.Location + "\n" + c.Branch))
		g.clone = filepath.Join(s.Cache, "git", hex.EncodeToString(sum[:12]))
		return g, nil
	}}
}

func (g *gitRepo) Name() string { return g.c.Name }

func (g *gitRepo) Walk(ctx context.Context, yield func(Item) error) error {
	_, err := g.WalkSince(ctx, nil, yield)
	return err
}

func (g *gitRepo) WalkSince(ctx context.Context, mark []byte, yield func(Item) error) (Walked, error) {
	repo, head, err := g.open(ctx)
	if err != nil {
		return Walked{}, err
	}
	now, err := treeOf(repo, head)
	if err != nil {
		return Walked{}, fmt.Errorf("%w: commit %s cannot be read: %w", ErrUnavailable, head, err)
	}
	var m gitMark
	if json.Unmarshal(mark, &m) != nil {
		m = gitMark{}
	}
	next, err := json.Marshal(gitMark{Commit: head.String()})
	if err != nil {
		return Walked{}, err
	}
	w := Walked{Mark: next}
	if before, err := treeOf(repo, plumbing.NewHash(m.Commit)); err == nil && m.Commit != "" {
		w.Rest = true
		return w, g.changes(ctx, repo, before, now, yield)
	}
	return w, g.all(ctx, repo, now, yield)
}

func treeOf(repo *git.Repository, commit plumbing.Hash) (*object.Tree, error) {
	c, err := repo.CommitObject(commit)
	if err != nil {
		return nil, err
	}
	return c.Tree()
}

// open opens the repository and finds the commit to read. A clone that cannot be used is made anew.
func (g *gitRepo) open(ctx context.Context) (*git.Repository, plumbing.Hash, error) {
	if g.local != "" {
		repo, err := git.PlainOpen(g.local)
		if err != nil {
			return nil, plumbing.ZeroHash, fmt.Errorf("%w: %q is no git repository: %w", ErrUnavailable, g.local, err)
		}
		rev := plumbing.Revision("HEAD")
		if g.c.Branch != "" {
			rev = plumbing.Revision("refs/heads/" + g.c.Branch)
		}
		head, err := repo.ResolveRevision(rev)
		if err != nil {
			return nil, plumbing.ZeroHash, fmt.Errorf("%w: %q has no %s: %w", ErrUnavailable, g.local, rev, err)
		}
		return repo, *head, nil
	}
	repo, head, err := g.fetched(ctx)
	if err != nil && ctx.Err() == nil && !errors.Is(err, ErrUnavailable) {
		g.s.Logger.WarnContext(ctx, "clone is made anew", "source", g.c.Name, "err", err)
		if err := os.RemoveAll(g.clone); err != nil {
			return nil, plumbing.ZeroHash, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		repo, head, err = g.fetched(ctx)
	}
	if err != nil && !errors.Is(err, ErrUnavailable) {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return repo, head, err
}

// fetched brings the clone up to date. What the server is to blame for wraps ErrUnavailable.
func (g *gitRepo) fetched(ctx context.Context) (*git.Repository, plumbing.Hash, error) {
	repo, err := git.PlainOpen(g.clone)
	if errors.Is(err, git.ErrRepositoryNotExists) {
		if err = os.MkdirAll(g.clone, 0o755); err == nil {
			repo, err = git.PlainInit(g.clone, true)
		}
	}
	if err != nil {
		return nil, plumbing.ZeroHash, err
	}
	if err := g.fetch(ctx, repo); err != nil {
		return nil, plumbing.ZeroHash, err
	}
	ref, err := repo.Reference(gitRef, true)
	if err != nil {
		return nil, plumbing.ZeroHash, err
	}
	if _, err := treeOf(repo, ref.Hash()); err != nil {
		return nil, plumbing.ZeroHash, err
	}
	return repo, ref.Hash(), nil
}

// fetch fetches the branch, trying again as other requests do.
func (g *gitRepo) fetch(ctx context.Context, repo *git.Repository) error {
	installGuardedGit()
	from := "HEAD"
	if g.c.Branch != "" {
		from = "refs/heads/" + g.c.Branch
	}
	auth, err := g.credentials()
	if err != nil {
		return err
	}
	remote := git.NewRemote(repo.Storer, &gitconfig.RemoteConfig{Name: "origin", URLs: []string{g.c.Location}})
	for try := 0; ; try++ {
		fetchCtx, cancel := context.WithTimeout(withGitPolicy(ctx, g.c), orDefault(g.c.Limits.Timeout, gitTimeout))
		err := remote.FetchContext(fetchCtx, &git.FetchOptions{Auth: auth, Depth: orDefault(g.c.Depth, 1), Tags: git.NoTags, Force: true,
			RefSpecs: []gitconfig.RefSpec{gitconfig.RefSpec("+" + from + ":" + gitRef.String())}})
		cancel()
		switch {
		case err == nil, errors.Is(err, git.NoErrAlreadyUpToDate):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case isFinalGit(err) || try >= orDefault(g.c.Limits.Retries, 3):
			return fmt.Errorf("%w: %s: %w%s", ErrUnavailable, g.c.Location, plainCause(err), gitHint(err))
		}
		if err := g.s.Sleep(ctx, backoff(try)); err != nil {
			return err
		}
	}
}

// isFinalGit reports whether asking again would not help.
func isFinalGit(err error) bool {
	for _, final := range [...]error{transport.ErrAuthenticationRequired, transport.ErrAuthorizationFailed, transport.ErrRepositoryNotFound,
		transport.ErrEmptyRemoteRepository, git.NoMatchingRefSpecError{}, errPrivate, errRedirect, errTooLong} {
		if errors.Is(err, final) {
			return true
		}
	}
	return false
}

// gitHint says what to do about an error.
func gitHint(err error) string {
	switch {
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed), errors.Is(err, transport.ErrRepositoryNotFound):
		return ": check location and the credentials that auth names"
	case errors.Is(err, git.NoMatchingRefSpecError{}):
		return ": check branch"
	}
	return ""
}

// credentials are what the server gets; nil without any. A token alone stands in for the password, as forges take it.
func (g *gitRepo) credentials() (transport.AuthMethod, error) {
	a := g.c.Auth
	if a == (Auth{}) {
		return nil, nil
	}
	secret, err := a.secret(g.s.Getenv)
	if err != nil {
		return nil, err
	}
	user := firstOf(a.User, "git")
	if a.UserEnv != "" {
		user = g.s.Getenv(a.UserEnv)
	}
	return &githttp.BasicAuth{Username: user, Password: secret}, nil
}

// all yields every file of a tree.
func (g *gitRepo) all(ctx context.Context, repo *git.Repository, tree *object.Tree, yield func(Item) error) error {
	w := object.NewTreeWalker(tree, true, nil)
	defer w.Close()
	for {
		name, entry, err := w.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: the tree cannot be read: %w", ErrUnavailable, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if entry.Mode == filemode.Dir || !g.covers(name) {
			continue
		}
		if err := yield(gitItem(repo, name, entry)); err != nil {
			return err
		}
	}
}

// changes yields what differs between two trees, in the order of the paths.
func (g *gitRepo) changes(ctx context.Context, repo *git.Repository, before, now *object.Tree, yield func(Item) error) error {
	changes, err := object.DiffTreeContext(ctx, before, now)
	if err != nil {
		return fmt.Errorf("%w: the trees cannot be compared: %w", ErrUnavailable, err)
	}
	slices.SortFunc(changes, func(a, b *object.Change) int { return strings.Compare(a.From.Name+a.To.Name, b.From.Name+b.To.Name) })
	for _, c := range changes {
		action, err := c.Action()
		if err != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		it := Item{Path: c.From.Name, Gone: true}
		if action != merkletrie.Delete {
			it = gitItem(repo, c.To.Name, c.To.TreeEntry)
		}
		if !g.covers(it.Path) {
			continue
		}
		if err := yield(it); err != nil {
			return err
		}
	}
	return nil
}

// covers reports whether a file lies in the folder that was configured.
func (g *gitRepo) covers(name string) bool {
	return g.c.Path == "" || name == g.c.Path || strings.HasPrefix(name, g.c.Path+"/")
}

// gitItem describes a file of a commit, or says why it is left out.
func gitItem(repo *git.Repository, name string, e object.TreeEntry) Item {
	switch {
	case !goodName(name):
		return Item{Path: strings.ToValidUTF8(name, "\ufffd"), Skip: SkipName}
	case slices.ContainsFunc(strings.Split(name, "/"), hidden):
		return Item{Path: name, Skip: SkipHidden}
	case e.Mode != filemode.Regular && e.Mode != filemode.Executable && e.Mode != filemode.Deprecated:
		return Item{Path: name, Skip: SkipIrregular}
	}
	if reason := unsupported(name); reason != "" {
		return Item{Path: name, Skip: reason}
	}
	size, err := repo.Storer.EncodedObjectSize(e.Hash)
	if err != nil {
		return Item{Path: name, Skip: SkipUnreadable}
	}
	return Item{Path: name, Size: size, Open: func() (io.ReadCloser, error) { return &lazyBlob{repo: repo, hash: e.Hash}, nil }}
}

// lazyBlob reads a file's content when it is asked for, and not when it is only measured: git keeps it in memory whole.
type lazyBlob struct {
	repo *git.Repository
	hash plumbing.Hash
	r    io.ReadCloser
}

func (b *lazyBlob) Read(p []byte) (int, error) {
	if b.r == nil {
		blob, err := b.repo.BlobObject(b.hash)
		if err != nil {
			return 0, err
		}
		if b.r, err = blob.Reader(); err != nil {
			return 0, err
		}
	}
	return b.r.Read(p)
}

func (b *lazyBlob) Close() error {
	if b.r == nil {
		return nil
	}
	return b.r.Close()
}
