package blob

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"prediag"
	"prediag/internal/s3test"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func put(t *testing.T, s Store, name string, data []byte) {
	t.Helper()
	require.NoError(t, s.Put(t.Context(), name, bytes.NewReader(data), int64(len(data))))
}

func get(t *testing.T, s Store, name string) []byte {
	t.Helper()
	r, err := s.Get(t.Context(), name)
	require.NoError(t, err)
	raw, err := io.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	return raw
}

func list(t *testing.T, s Store, prefix string) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	require.NoError(t, s.List(t.Context(), prefix, func(name string, size int64, modified time.Time) error {
		require.WithinDuration(t, time.Now(), modified, time.Hour)
		out[name] = size
		return nil
	}))
	return out
}

// conformance is what every store does.
func conformance(t *testing.T, s Store) {
	require.Empty(t, list(t, s, "blobs/"), "an empty store has an empty list")
	_, err := s.Get(t.Context(), "blobs/none")
	require.ErrorIs(t, err, prediag.ErrNotFound)
	require.NoError(t, s.Delete(t.Context(), "blobs/none"))

	large := make([]byte, partSize+partSize/2+7)
	_, _ = rand.Read(large)
	file := filepath.Join(t.TempDir(), "large")
	require.NoError(t, os.WriteFile(file, large, 0o600))
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, s.Put(t.Context(), "blobs/large", f, int64(len(large))))
	for name, data := range map[string][]byte{"blobs/a": []byte("one"), "blobs/empty": {}, "blobs/b": large[:chunkSize], "blobs/c": large[:chunkSize+1], "heads/1": []byte("{}")} {
		put(t, s, name, data)
		require.True(t, bytes.Equal(data, get(t, s, name)), name)
	}
	require.True(t, bytes.Equal(large, get(t, s, "blobs/large")))
	require.Equal(t, map[string]int64{"blobs/a": 3, "blobs/empty": 0, "blobs/b": chunkSize, "blobs/c": chunkSize + 1, "blobs/large": int64(len(large))}, list(t, s, "blobs/"))
	require.Len(t, list(t, s, ""), 6)
	require.Len(t, list(t, s, "heads/"), 1)

	put(t, s, "blobs/a", []byte("another"))
	require.Equal(t, "another", string(get(t, s, "blobs/a")), "replaced")
	require.NoError(t, s.Delete(t.Context(), "blobs/a"))
	_, err = s.Get(t.Context(), "blobs/a")
	require.ErrorIs(t, err, prediag.ErrNotFound)
	require.NotContains(t, list(t, s, "blobs/"), "blobs/a")

	stop := errors.New("stop")
	require.ErrorIs(t, s.List(t.Context(), "blobs/", func(string, int64, time.Time) error { return stop }), stop)
	for _, bad := range []string{"", ".", "../x", "/x", "a//b", "blobs/" + tempMark + "x", strings.Repeat("x", 600)} {
		require.ErrorIs(t, s.Put(t.Context(), bad, bytes.NewReader(nil), 0), prediag.ErrInvalid, bad)
	}
	require.Error(t, s.Put(t.Context(), "blobs/short", bytes.NewReader([]byte("abc")), 4))
	_, err = s.Get(t.Context(), "blobs/short")
	require.ErrorIs(t, err, prediag.ErrNotFound, "nothing half")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.Put(gone, "blobs/x", bytes.NewReader([]byte("x")), 1), context.Canceled)
	readersSeeWholeObjects(t, s)
}

// readersSeeWholeObjects replaces an object while others read it.
func readersSeeWholeObjects(t *testing.T, s Store) {
	one, two := bytes.Repeat([]byte{1}, 100_000), bytes.Repeat([]byte{2}, 200_000)
	put(t, s, "heads/x", one)
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := range 20 {
			data := [][]byte{one, two}[n%2]
			if err := s.Put(t.Context(), "heads/x", bytes.NewReader(data), int64(len(data))); err != nil {
				t.Error(err)
			}
		}
	})
	for range 20 {
		got := get(t, s, "heads/x")
		require.True(t, bytes.Equal(got, one) || bytes.Equal(got, two))
	}
	wg.Wait()
}

func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "share")
	s, err := Open("file://"+dir, 0)
	require.NoError(t, err)
	require.ErrorIs(t, s.Put(t.Context(), "heads/1", bytes.NewReader(nil), 0), prediag.ErrNotReady, "a share that is not mounted")
	require.ErrorIs(t, s.List(t.Context(), "", nil), prediag.ErrNotReady)
	require.NoError(t, os.Mkdir(dir, 0o755))
	conformance(t, s)
	old := filepath.Join(dir, "blobs", tempMark+"old")
	young := filepath.Join(dir, "blobs", tempMark+"young")
	for _, name := range []string{old, young} {
		require.NoError(t, os.WriteFile(name, []byte("half"), 0o600))
	}
	require.NoError(t, os.Chtimes(old, time.Time{}, time.Now().Add(-2*tempAge)))
	require.Len(t, list(t, s, "blobs/"), 4)
	require.NoFileExists(t, old, "left behind by a killed process")
	require.FileExists(t, young, "perhaps under way")
}

// A network file system that is away lets calls hang: they are left behind, in a bounded number.
func TestFolderThatHangs(t *testing.T) {
	f, err := NewFolder(t.TempDir(), 50*time.Millisecond)
	require.NoError(t, err)
	release := make(chan struct{})
	for range maxHung {
		require.ErrorIs(t, f.call(t.Context(), func() error { <-release; return nil }), prediag.ErrNotReady)
	}
	require.ErrorContains(t, f.List(t.Context(), "blobs/", nil), "still hang")
	close(release)
	require.Eventually(t, func() bool { return f.List(t.Context(), "blobs/", nil) == nil }, 30*time.Second, 10*time.Millisecond, "it heals by itself")
}

func TestS3(t *testing.T) {
	server, err := s3test.Start()
	if errors.Is(err, s3test.ErrMissing) {
		t.Skip(err)
	}
	require.NoError(t, err)
	defer func() { require.NoError(t, server.Close()) }()
	for _, e := range s3test.Environment() {
		name, value, _ := strings.Cut(e, "=")
		t.Setenv(name, value)
	}
	s := openS3(t, server.URL("", "some/prefix"), time.Minute)
	conformance(t, s)
	require.Empty(t, list(t, openS3(t, server.URL("", "other"), time.Minute), ""), "prefixes keep apart")

	_, err = openS3(t, strings.Replace(server.URL("", ""), server.Bucket, "nosuch", 1), time.Minute).Get(t.Context(), "blobs/a")
	require.ErrorIs(t, err, prediag.ErrInvalid)
	require.ErrorContains(t, err, "make it first")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong")
	err = openS3(t, server.URL("", "some/prefix"), time.Minute).List(t.Context(), "", func(string, int64, time.Time) error { return nil })
	require.ErrorIs(t, err, prediag.ErrInvalid)
	require.ErrorContains(t, err, "AWS_SECRET_ACCESS_KEY")
	require.NotContains(t, err.Error(), "wrong")
}

func openS3(t *testing.T, address string, patience time.Duration) *S3 {
	t.Helper()
	s, err := Open(address, patience)
	require.NoError(t, err)
	s3, ok := s.(*S3)
	require.True(t, ok)
	t.Cleanup(s3.closeIdle)
	return s3
}

// A server that is away, silent, or stops in the middle ends every call within a bounded time.
func TestS3ThatDoesNotAnswer(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	require.NoError(t, err)
	defer silent.Close()
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, nobody.Close())
	ends := make(chan struct{})
	middle := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.Header().Set("ETag", `"x"`)
		w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
		_, _ = io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		<-ends
	}))
	defer func() { close(ends); middle.Close() }()
	for name, addr := range map[string]string{"silent": silent.Addr().String(), "nobody": nobody.Addr().String(), "stops": middle.Listener.Addr().String()} {
		t.Run(name, func(t *testing.T) {
			s := openS3(t, fmt.Sprintf("s3://bucket?endpoint=http://%s&path-style=true&region=r", addr), 100*time.Millisecond)
			r, err := s.Get(t.Context(), "blobs/a")
			if err == nil {
				_, err = io.ReadAll(r)
				require.NoError(t, r.Close())
			}
			require.ErrorIs(t, err, prediag.ErrNotReady)
			require.ErrorIs(t, s.List(t.Context(), "", func(string, int64, time.Time) error { return nil }), prediag.ErrNotReady)
			if name != "stops" { // which answers 200 to a PUT
				require.ErrorIs(t, s.Put(t.Context(), "blobs/a", bytes.NewReader([]byte("x")), 1), prediag.ErrNotReady)
				require.ErrorIs(t, s.Delete(t.Context(), "blobs/a"), prediag.ErrNotReady)
			}
		})
	}
}

func TestS3OverTLS(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "<Error><Code>NoSuchKey</Code></Error>")
	}))
	defer server.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	address := "s3://bucket?endpoint=" + server.URL + "&path-style=true&region=r"
	_, err := openS3(t, address+"&ca="+ca, time.Second).Get(t.Context(), "blobs/a")
	require.ErrorIs(t, err, prediag.ErrNotFound, "the server is trusted")
	_, err = openS3(t, address, time.Second).Get(t.Context(), "blobs/a")
	require.ErrorIs(t, err, prediag.ErrNotReady, "the system does not know its certificate")
	require.NoError(t, os.WriteFile(ca, []byte("none"), 0o600))
	_, err = Open(address+"&ca="+ca, 0)
	require.ErrorIs(t, err, prediag.ErrInvalid)
}

func TestAddresses(t *testing.T) {
	c, err := ParseS3("s3://kb/prod/eu?endpoint=http://10.0.0.1:9000&region=r1&path-style=true&ca=/etc/ca.pem")
	require.NoError(t, err)
	require.Equal(t, S3Config{Endpoint: "10.0.0.1:9000", Plain: true, Bucket: "kb", Prefix: "prod/eu/", Region: "r1", PathStyle: true, CA: "/etc/ca.pem"}, c)
	for _, bad := range []string{"", "ftp://x", "s3://", "s3://key:secret@bucket", "s3://b?endpoint=10.0.0.1:9000", "s3://b?endpoint=https://u:p@h", "s3://b?secret=x",
		"s3://b?path-style=perhaps", "s3://b?endpoint=https://h/path", "file://host/x", "s3://b?ca=/nosuch/file"} {
		_, err := Open(bad, 0)
		require.ErrorIs(t, err, prediag.ErrInvalid, bad)
		require.NotContains(t, err.Error(), "secret@")
	}
	s, err := Open("some/folder", 0)
	require.NoError(t, err)
	require.True(t, filepath.IsAbs(s.(*Folder).dir))
}

// FuzzParseS3 reads addresses of any kind: none panics, and what is taken names a bucket and a server.
func FuzzParseS3(f *testing.F) {
	for _, seed := range []string{"s3://kb/prod?endpoint=http://10.0.0.1:9000&region=r1", "s3://b?ca=%zz", "s3://[::1]/x", "s3:////"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		c, err := ParseS3(address)
		if err == nil {
			require.NotEmpty(t, c.Bucket)
			require.NotEmpty(t, c.Endpoint)
			require.False(t, slices.Contains([]string{"/"}, c.Prefix))
		}
	})
}
