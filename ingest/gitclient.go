package ingest

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	gitclient "github.com/go-git/go-git/v5/plumbing/transport/client"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// gitPolicy is what a source allows a fetch.
type gitPolicy struct {
	private bool
	bytes   int64 // that may be brought
}

// gitPolicyKey is where a context holds the policy.
type gitPolicyKey struct{}

func withGitPolicy(ctx context.Context, c SourceConfig) context.Context {
	return context.WithValue(ctx, gitPolicyKey{}, gitPolicy{private: c.AllowPrivate, bytes: orDefault(c.Limits.ResponseBytes, gitBytes)})
}

// installGuardedGit gives the git library, which keeps its clients by protocol for the whole process, one that obeys the
// policy in a request's context. Without a policy nothing private may be reached.
var installGuardedGit = sync.OnceFunc(func() {
	dialer := &net.Dialer{Timeout: 10 * time.Second, ControlContext: func(ctx context.Context, network, address string, raw syscall.RawConn) error {
		p, _ := ctx.Value(gitPolicyKey{}).(gitPolicy)
		return guardAddress(p.private)(ctx, network, address, raw)
	}}
	client := githttp.NewClient(&http.Client{
		Transport: boundedTransport{&http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: 10 * time.Second,
			ResponseHeaderTimeout: 2 * time.Minute, DisableKeepAlives: true}}, // a connection serves one source's policy only
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects || !sameSite(via[0].URL, req.URL) {
				return errRedirect
			}
			return nil
		},
	})
	gitclient.InstallProtocol("https", client)
	gitclient.InstallProtocol("http", client)
})

// boundedTransport limits what replies bring.
type boundedTransport struct{ http.RoundTripper }

func (b boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	p, _ := r.Context().Value(gitPolicyKey{}).(gitPolicy)
	resp.Body = &boundedBody{ReadCloser: resp.Body, left: p.bytes}
	return resp, nil
}

// boundedBody fails once too much was read.
type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooLong
	}
	return n, err
}
