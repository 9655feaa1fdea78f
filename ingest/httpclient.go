package ingest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	maxRedirects    = 5
	maxRetryAfter   = 5 * time.Minute // a server that wants a longer rest is left alone until the next refresh
	firstBackoff    = time.Second
	maxBackoff      = time.Minute
	userAgent       = "prediag-ingest/1 (knowledge base refresh)"
	listBytes       = 64 << 20 // default limit on a list of an API, unpacked
	pageBytes       = 5 << 20  // default limit on a page
	maxPagesOfLists = 100_000  // pages of one list that are followed
)

// client asks one server. Every request has a deadline, every reply a limit, and every walk a budget for waiting; it
// follows redirects within the host only, and does not connect to addresses of private networks unless that was allowed.
type client struct {
	base   *url.URL
	http   *http.Client
	auth   func(*http.Request) error
	limits Limits
	sleep  func(context.Context, time.Duration) error
	now    func() time.Time
	logger *slog.Logger

	budget time.Duration // of waiting that is left in this walk
	last   time.Time     // of the last request
}

// reply is what a server answered.
type reply struct {
	status int // 200 or 304
	header http.Header
	body   []byte // unpacked
	url    *url.URL
}

// statusError is an answer that is none of those that were hoped for.
type statusError struct {
	status int
	url    string
	hint   string
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%s answered %d %s%s", e.url, e.status, http.StatusText(e.status), e.hint)
}

// Unwrap makes every such answer one that leaves the source as it is.
func (e *statusError) Unwrap() error { return ErrUnavailable }

var (
	errPrivate   = errors.New("the address is one of a private network; allow_private: true lets it be")
	errRedirect  = errors.New("redirected to another host; set location to where it leads")
	errRedirects = errors.New("too many redirects; set location to where they end")
	errTooLong   = errors.New("the reply is longer than limits.response_bytes; raise it if that much is meant")
	errRatioWeb  = errors.New("the reply unpacks to more than a hundred times its size")
)

// newClient returns a client of a source's server.
func newClient(c SourceConfig, s Setup) (*client, error) {
	base, err := url.Parse(c.Location)
	switch {
	case err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https":
		return nil, fmt.Errorf("location %q is no http or https URL", c.Location)
	case base.User != nil:
		return nil, errors.New("location holds a user or password: name them under auth instead")
	case c.Auth != (Auth{}) && base.Scheme == "http" && !c.AllowPrivate:
		return nil, errors.New("credentials are not sent without TLS: use an https location")
	}
	l := c.Limits
	l.Timeout, l.RetryBudget = orDefault(l.Timeout, 60*time.Second), orDefault(l.RetryBudget, 10*time.Minute)
	l.Retries, l.Items = orDefault(l.Retries, 4), orDefault(l.Items, 100_000)
	cl := &client{base: base, limits: l, sleep: s.Sleep, now: s.Now, logger: s.Logger, auth: c.Auth.signer(base, s.Getenv)}
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, ControlContext: guardAddress(c.AllowPrivate)}
	cl.http = &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: l.Timeout,
			MaxResponseHeaderBytes: 256 << 10, MaxConnsPerHost: 2, IdleConnTimeout: 30 * time.Second, ForceAttemptHTTP2: true,
			DisableCompression: true, // unpacked here, under a limit
		},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return errRedirects
			}
			if !sameSite(base, req.URL) {
				return errRedirect
			}
			return cl.auth(req)
		},
	}
	return cl, nil
}

// sameSite reports whether a URL is of the same host, or the same host with TLS.
func sameSite(base, u *url.URL) bool {
	return u.Host == base.Host && u.Scheme == base.Scheme ||
		u.Hostname() == base.Hostname() && u.Port() == "" && base.Port() == "" && u.Scheme == "https"
}

// orDefault returns v, or d where v is zero.
func orDefault[T comparable](v, d T) T {
	var zero T
	if v == zero {
		return d
	}
	return v
}

// begin starts a walk: its budget for waiting is whole again.
func (c *client) begin() { c.budget = c.limits.RetryBudget }

// within returns a URL, which may be relative, if it is one of the source's own host.
func (c *client) within(ref string) (*url.URL, error) {
	u, err := c.base.Parse(ref)
	if err != nil {
		return nil, fmt.Errorf("%w: the server gives %q as an address, which is none", ErrUnavailable, clip(ref, 200))
	}
	if u.Scheme == "http" && c.base.Scheme == "https" && u.Host == c.base.Host && u.Port() == "" {
		u.Scheme = "https" // lists are often older than the site's certificate
	}
	if u.Host != c.base.Host || u.Scheme != c.base.Scheme {
		return nil, fmt.Errorf("%w: the server leads to another host, %s; only %s is read", ErrUnavailable, clip(shown(u), 200), c.base.Host)
	}
	return u, nil
}

// shown is a URL as errors show it: parameters may be secrets.
func shown(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// get fetches a URL, trying again while that may help. The reply's status is 200 or 304; any other is an error that wraps
// ErrUnavailable. A body over limit (0: the source's or 5 MiB) is an error as well.
func (c *client) get(ctx context.Context, u *url.URL, header http.Header, limit int64) (*reply, error) {
	for try := 0; ; try++ {
		if err := c.pace(ctx); err != nil {
			return nil, err
		}
		r, wait, err := c.once(ctx, u, header, orDefault(c.limits.ResponseBytes, orDefault(limit, pageBytes)))
		if err == nil || ctx.Err() != nil {
			return r, errors.Join(err, ctx.Err())
		}
		if wait < 0 {
			return nil, err
		}
		if wait == 0 {
			wait = backoff(try)
		}
		if try >= c.limits.Retries || wait > maxRetryAfter || wait > c.budget {
			return nil, fmt.Errorf("%w (given up after %d tries)", err, try+1)
		}
		c.budget -= wait
		c.logger.WarnContext(ctx, "request is tried again", "url", shown(u), "err", err, "in", wait)
		if err := c.sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// backoff is how long to wait before the next try: doubled each time, and a random part of it, so that many clients do
// not come back at once.
func backoff(try int) time.Duration {
	d := min(firstBackoff<<min(try, 10), maxBackoff)
	return d/2 + time.Duration(rand.Int64N(int64(d/2)+1))
}

// pace keeps the distance between requests.
func (c *client) pace(ctx context.Context) error {
	if wait := c.limits.Delay - c.now().Sub(c.last); c.limits.Delay > 0 && wait > 0 && !c.last.IsZero() {
		if err := c.sleep(ctx, min(wait, c.limits.Delay)); err != nil {
			return err
		}
	}
	c.last = c.now()
	return ctx.Err()
}

// once asks once. With an error comes how long to wait before asking again: 0 as usual, -1 never.
func (c *client) once(ctx context.Context, u *url.URL, header http.Header, limit int64) (*reply, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, c.limits.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, -1, fmt.Errorf("%w: %s is no address", ErrUnavailable, shown(u))
	}
	for k, v := range header {
		req.Header[k] = v
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept-Encoding", "gzip")
	if err := c.auth(req); err != nil {
		return nil, -1, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, retryable(err), fmt.Errorf("%w: %s: %w", ErrUnavailable, shown(u), explained(plainCause(err), c.limits.Timeout))
	}
	defer func() { _ = resp.Body.Close() }()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotModified:
		return &reply{status: resp.StatusCode, header: resp.Header, url: resp.Request.URL}, 0, nil
	default:
		wait, err := c.refused(resp)
		return nil, wait, err
	}
	body, err := readBody(resp, limit)
	if err != nil {
		return nil, retryable(err), fmt.Errorf("%w: %s: %w", ErrUnavailable, shown(u), explained(plainCause(err), c.limits.Timeout))
	}
	return &reply{status: resp.StatusCode, header: resp.Header, body: body, url: resp.Request.URL}, 0, nil
}

// refused makes an error of an answer, and says when to ask again.
func (c *client) refused(resp *http.Response) (time.Duration, error) {
	e := &statusError{status: resp.StatusCode, url: shown(resp.Request.URL), hint: statusHint(resp.StatusCode)}
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout:
		return 0, e
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return retryAfterHeader(resp.Header.Get("Retry-After"), c.now()), e
	}
	return -1, e
}

// retryAfterHeader reads a time to wait: seconds or a date (RFC 9110). 0 when there is none.
func retryAfterHeader(s string, now time.Time) time.Duration {
	if n, err := strconv.Atoi(strings.TrimSpace(s)); err == nil && n >= 0 {
		return time.Duration(min(n, 1_000_000)) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// retryable says when to ask again after an error: at once and as usual, or never.
func retryable(err error) time.Duration {
	if isFinal(err) {
		return -1
	}
	return 0
}

// plainCause takes the URL out of an error of net/http: it may hold secrets in its parameters.
func plainCause(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// readBody reads a reply's body, unpacked, of at most limit bytes.
func readBody(resp *http.Response, limit int64) ([]byte, error) {
	counted := &counter{r: resp.Body}
	var in io.Reader = counted
	if strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") {
		z, err := gzip.NewReader(bufio.NewReader(counted))
		if err != nil {
			return nil, err
		}
		in = &ratioReader{z: z, packed: counted}
	}
	raw, err := appendAll(make([]byte, 0, max(512, min(resp.ContentLength+512, limit, 1<<20))), io.LimitReader(in, limit+1))
	switch {
	case errors.Is(err, errRatio):
		return nil, errRatioWeb
	case err != nil:
		return nil, err
	case int64(len(raw)) > limit:
		return nil, errTooLong
	}
	return raw, nil
}

// getJSON fetches a URL and reads the JSON in it. What is cut or no JSON is asked for once more.
func (c *client) getJSON(ctx context.Context, u *url.URL, into any) error {
	for try := 0; ; try++ {
		r, err := c.get(ctx, u, http.Header{"Accept": {"application/json"}}, listBytes)
		if err != nil {
			return err
		}
		if kind, _, _ := mime.ParseMediaType(r.header.Get("Content-Type")); strings.Contains(kind, "html") {
			return fmt.Errorf("%w: %s answered %s in place of JSON: is location the API's address, and are the credentials right?", ErrUnavailable, shown(u), kind)
		}
		dec := json.NewDecoder(bytes.NewReader(r.body))
		dec.UseNumber()
		if err = dec.Decode(into); err == nil {
			return nil
		}
		if try > 0 {
			return fmt.Errorf("%w: %s answered JSON that cannot be read: %w", ErrUnavailable, shown(u), err)
		}
	}
}

// isStatus reports whether an error is an answer with one of the statuses.
func isStatus(err error, statuses ...int) bool {
	var e *statusError
	if errors.As(err, &e) {
		for _, s := range statuses {
			if e.status == s {
				return true
			}
		}
	}
	return false
}

// follower walks the pages of a list and notices when they lead in a circle.
type follower struct {
	seen map[string]bool
}

// next accepts the next page's address once.
func (f *follower) next(key string) error {
	if f.seen == nil {
		f.seen = map[string]bool{}
	}
	if f.seen[key] {
		return fmt.Errorf("%w: the pages of the list lead in a circle: the server names one twice, or next and next_param are not what it calls them", ErrUnavailable)
	}
	if len(f.seen) >= maxPagesOfLists {
		return fmt.Errorf("%w: the list has more than %d pages", ErrUnavailable, maxPagesOfLists)
	}
	f.seen[key] = true
	return nil
}
