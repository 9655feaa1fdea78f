package ingest

import (
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/stretchr/testify/require"
)

// repository is a git repository that a test commits to.
type repository struct {
	t    *testing.T
	dir  string
	repo *git.Repository
}

func newRepository(t *testing.T) *repository {
	t.Helper()
	dir := t.TempDir()
	repo, err := git.PlainInit(dir, false)
	require.NoError(t, err)
	return &repository{t: t, dir: dir, repo: repo}
}

// commit writes files, removes those without content, and commits.
func (r *repository) commit(files map[string]string) {
	r.t.Helper()
	w, err := r.repo.Worktree()
	require.NoError(r.t, err)
	for name, content := range files {
		if content == "" {
			_, err = w.Remove(name)
		} else {
			write(r.t, r.dir, name, content)
			_, err = w.Add(name)
		}
		require.NoError(r.t, err)
	}
	_, err = w.Commit("change", &git.CommitOptions{Author: &object.Signature{Name: "a", Email: "a@example.com", When: time.Unix(1e9, 0)}})
	require.NoError(r.t, err)
}

func someDocs() map[string]string {
	out := map[string]string{"docs/logo.png": "x", ".github/x.md": "# X\n\nx", "README.md": "# Readme\n\nx", "src/main.go": "package main"}
	for i := range 20 {
		out[fmt.Sprintf("docs/%02d.md", i)] = fmt.Sprintf("# Title %d\n\nText %d.\n", i, i)
	}
	return out
}

// testGit walks a repository through a few commits.
func testGit(t *testing.T, r *repository, src Source) {
	index, refresh := refresher(t, src)
	rep := refresh()
	require.Equal(t, []int{20, 21}, []int{rep.Added, rep.Files}, rep)
	require.Equal(t, map[string]int{"unsupported extension .png": 1}, rep.Skipped)
	require.Equal(t, "Title 7", index.articles["s/docs/07.md"].Title)
	rep = refresh()
	require.Equal(t, []int{20, 0}, []int{rep.Unchanged, rep.Files}, "nothing was read again")

	r.commit(map[string]string{"docs/01.md": "# Title 1\n\nChanged.\n", "docs/02.md": "", "docs/sub/new.md": "# New\n\nx", "README.md": "# Other\n\ny"})
	rep = refresh()
	require.Equal(t, []int{1, 1, 1, 18, 20, 2}, []int{rep.Added, rep.Changed, rep.Deleted, rep.Unchanged, rep.Articles, rep.Files})
	require.Contains(t, index.articles, "s/docs/sub/new.md")
	require.NotContains(t, index.articles, "s/docs/02.md")
	fresh := newMemory()
	_, err := New(fresh, Options{}).Refresh(t.Context(), []Source{src})
	require.NoError(t, err)
	require.Equal(t, fresh.articles, index.articles, "as if it were built from scratch")
}

func TestLocalGit(t *testing.T) {
	r := newRepository(t)
	r.commit(someDocs())
	src, err := SourceConfig{Name: "s", Kind: "git", Location: r.dir, Path: "docs/"}.Open(Setup{})
	require.NoError(t, err)
	testGit(t, r, src)

	src, err = SourceConfig{Name: "s", Kind: "git", Location: r.dir, Branch: "nothing"}.Open(Setup{})
	require.NoError(t, err)
	_, err = New(newMemory(), Options{}).Refresh(t.Context(), []Source{src})
	require.ErrorIs(t, err, ErrUnavailable)
	require.ErrorContains(t, err, "refs/heads/nothing")
	src, err = SourceConfig{Name: "s", Kind: "git", Location: t.TempDir()}.Open(Setup{})
	require.NoError(t, err)
	_, err = New(newMemory(), Options{}).Refresh(t.Context(), []Source{src})
	require.ErrorContains(t, err, "is no git repository")
}

// gitServer serves a repository over HTTP as git's own server does.
func gitServer(t *testing.T, dir, password string) *httptest.Server {
	t.Helper()
	exe, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not installed")
	}
	backend := &cgi.Handler{Path: exe, Args: []string{"http-backend"}, Env: []string{"GIT_PROJECT_ROOT=" + filepath.Dir(dir), "GIT_HTTP_EXPORT_ALL=1", "HOME=" + t.TempDir(),
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, p, _ := r.BasicAuth(); p != password {
			w.Header().Set("WWW-Authenticate", "Basic")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestGitOverHTTP(t *testing.T) {
	r := newRepository(t)
	r.commit(someDocs())
	server := gitServer(t, r.dir, "t0ken")
	cache := t.TempDir()
	setup := Setup{Cache: cache, Getenv: func(string) string { return "t0ken" }}
	c := SourceConfig{Name: "s", Kind: "git", Location: server.URL + "/" + filepath.Base(r.dir), Path: "docs", AllowPrivate: true, Auth: Auth{SecretEnv: "T"},
		Limits: Limits{Retries: 1}}
	src, err := c.Open(setup)
	require.NoError(t, err)
	testGit(t, r, src)

	// A clone that is damaged is made anew.
	clones, err := filepath.Glob(filepath.Join(cache, "git", "*"))
	require.NoError(t, err)
	require.Len(t, clones, 1)
	require.NoError(t, os.RemoveAll(filepath.Join(clones[0], "objects")))
	index := newMemory()
	_, err = New(index, Options{}).Refresh(t.Context(), []Source{src})
	require.NoError(t, err)
	require.Len(t, index.articles, 20)

	for name, v := range map[string]struct {
		change func(*SourceConfig, *Setup)
		fault  string
	}{
		"wrong password": {func(_ *SourceConfig, s *Setup) { s.Getenv = func(string) string { return "old" } }, "check location and the credentials"},
		"private":        {func(c *SourceConfig, _ *Setup) { c.AllowPrivate, c.Auth = false, Auth{} }, "allow_private"},
		"no branch":      {func(c *SourceConfig, _ *Setup) { c.Branch = "nothing" }, "check branch"},
		"too much":       {func(c *SourceConfig, _ *Setup) { c.Limits.ResponseBytes = 1000 }, "longer than limits.response_bytes"},
		"no repository":  {func(c *SourceConfig, _ *Setup) { c.Location = server.URL + "/nothing" }, "check location"},
	} {
		t.Run(name, func(t *testing.T) {
			c, s := c, setup
			s.Cache = t.TempDir()
			s.Sleep = sleepNot
			v.change(&c, &s)
			src, err := c.Open(s)
			require.NoError(t, err)
			_, err = New(newMemory(), Options{}).Refresh(t.Context(), []Source{src})
			require.ErrorIs(t, err, ErrUnavailable)
			require.ErrorContains(t, err, v.fault)
			require.NotContains(t, err.Error(), "t0ken")
		})
	}
}
