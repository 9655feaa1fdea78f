package ingest

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html/charset"
)

// webPage is what fetching a page gave.
type webPage struct {
	format, content string
	etag, modified  string
	same            bool   // not modified
	skip            string // why there is no page; empty: there is
	down            bool   // the server could not be reached, in contrast to a page that is not there
}

// fetchPage fetches a page.
func fetchPage(ctx context.Context, c *client, u *url.URL, header http.Header) webPage {
	r, err := c.get(ctx, u, header, pageBytes)
	switch {
	case err == nil:
	case isStatus(err, http.StatusNotFound, http.StatusGone):
		return webPage{skip: SkipNotFound}
	case isStatus(err, http.StatusUnauthorized, http.StatusForbidden):
		return webPage{skip: SkipRefused}
	case errors.Is(err, errTooLong):
		return webPage{skip: SkipTooLarge}
	case errors.Is(err, errRatioWeb):
		return webPage{skip: SkipCompression}
	case errors.Is(err, errRedirect):
		return webPage{skip: SkipRedirect}
	default:
		c.logger.WarnContext(ctx, "page cannot be fetched", "url", shown(u), "err", err)
		return webPage{skip: SkipUnreachable, down: true}
	}
	if r.status == http.StatusNotModified {
		return webPage{same: true}
	}
	if strings.Contains(strings.ToLower(r.header.Get("X-Robots-Tag")), "noindex") {
		return webPage{skip: SkipNoIndex}
	}
	p := webPage{etag: r.header.Get("ETag"), modified: r.header.Get("Last-Modified")}
	kind, params, _ := mime.ParseMediaType(r.header.Get("Content-Type"))
	if p.format = formatOfType(kind, u.Path); p.format == "" {
		return webPage{skip: skipContentType + clip(oneLine(clean(firstOf(kind, "(none)"))), 60)}
	}
	p.content = string(r.body)
	if label := params["charset"]; label != "" && strings.HasPrefix(kind, "text/") || p.format == FormatHTML && label != "" {
		if in, err := charset.NewReaderLabel(label, strings.NewReader(p.content)); err == nil {
			if raw, err := io.ReadAll(in); err == nil {
				p.content = string(raw)
			}
		}
	}
	return p
}

// formatOfType tells a page's format by its media type; empty when it is none that is read.
func formatOfType(kind, path string) string {
	switch kind {
	case "text/html", "application/xhtml+xml":
		return FormatHTML
	case "text/markdown", "text/x-markdown":
		return FormatMarkdown
	case "text/plain":
		if f := formatOf(path); f == FormatMarkdown || f == FormatRST {
			return f
		}
		return FormatText
	case "application/pdf":
		return FormatPDF
	case "application/vnd.openxmlformats-officedocument.wordprocessingml.document":
		return FormatDOCX
	}
	return ""
}
