package ingest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// confluence is the pages of a Confluence site: by REST API v2, the latest change first, so that a walk ends where the one
// before began; or, with a query in CQL, by the search of API v1.
type confluence struct {
	c    SourceConfig
	s    Setup
	http *client
}

func confluenceKind() kind {
	return kind{keys: append([]string{"spaces", "body", "cql"}, networkKeys[:]...), open: func(c SourceConfig, s Setup) (Source, error) {
		c.Body = firstOf(c.Body, "storage")
		switch {
		case c.Body != "storage" && c.Body != "view":
			return nil, fmt.Errorf("body is %q: use storage or view", c.Body)
		case c.CQL != "" && len(c.Spaces) > 0:
			return nil, errors.New("cql and spaces exclude each other: name the spaces in the query")
		case strings.Contains(strings.ToLower(c.CQL), "order by"):
			return nil, errors.New("cql must not sort")
		}
		h, err := newClient(c, s)
		return &confluence{c: c, s: s, http: h}, err
	}}
}

// confluencePage is a page as both versions of the API give it.
type confluencePage struct {
	ID      textID `json:"id"`
	Status  string `json:"status"`
	Title   string `json:"title"`
	Version struct {
		Created time.Time `json:"createdAt"` // v2
		When    time.Time `json:"when"`      // v1
	} `json:"version"`
	Body struct {
		Storage confluenceBody `json:"storage"`
		View    confluenceBody `json:"view"`
	} `json:"body"`
	Links struct {
		WebUI string `json:"webui"`
	} `json:"_links"`
}

type confluenceBody struct {
	Value string `json:"value"`
}

// updated is when the page was last changed.
func (p *confluencePage) updated() time.Time {
	if p.Version.Created.IsZero() {
		return p.Version.When
	}
	return p.Version.Created
}

// confluenceList is a page of a list.
type confluenceList struct {
	Results []confluencePage `json:"results"`
	Links   struct {
		Next string `json:"next"`
		Base string `json:"base"`
	} `json:"_links"`
}

func (s *confluence) Name() string { return s.c.Name }

func (s *confluence) Walk(ctx context.Context, yield func(Item) error) error {
	_, err := s.WalkSince(ctx, nil, yield)
	return err
}

func (s *confluence) WalkSince(ctx context.Context, mark []byte, yield func(Item) error) (Walked, error) {
	s.http.begin()
	began := s.s.Now().UTC()
	m, delta := readTimeMark(mark, began, s.c.FullEvery)
	since := m.Since.Add(-overlap)
	if !delta {
		since = time.Time{}
	}
	ended, err := s.list(ctx, s.first(since), since, yield)
	if err != nil {
		return Walked{}, err
	}
	return m.walked(began, !delta || !ended && s.c.CQL == "")
}

// first is the address of the list's first page.
func (s *confluence) first(since time.Time) *url.URL {
	if s.c.CQL == "" {
		u := s.http.base.JoinPath("api/v2/pages")
		u.RawQuery = url.Values{"limit": {"100"}, "status": {"current"}, "sort": {"-modified-date"}, "body-format": {"storage"}, "space-id": s.c.Spaces}.Encode()
		return u
	}
	cql := s.c.CQL
	if !since.IsZero() { // the day before: the query is read in the time zone of whose credentials these are
		cql = "(" + cql + `) and lastmodified >= "` + since.Add(-24*time.Hour).Format("2006-01-02 15:04") + `"`
	}
	u := s.http.base.JoinPath("rest/api/content/search")
	u.RawQuery = url.Values{"limit": {"50"}, "cql": {cql}, "expand": {"version,body." + s.c.Body}}.Encode()
	return u
}

// list follows the list. It reports whether it ended at pages that were read before; a server that does not sort as asked
// is read to the end.
func (s *confluence) list(ctx context.Context, u *url.URL, since time.Time, yield func(Item) error) (bool, error) {
	n := 0
	last, sorted := time.Time{}, s.c.CQL == ""
	for f := (follower{}); ; {
		if err := f.next(u.String()); err != nil {
			return false, err
		}
		var list confluenceList
		if err := s.http.getJSON(ctx, u, &list); err != nil {
			return false, err
		}
		for _, p := range list.Results {
			if n++; n > s.http.limits.Items {
				return false, fmt.Errorf("%w: more than %d pages; raise limits.items", ErrUnavailable, s.http.limits.Items)
			}
			sorted = sorted && (last.IsZero() || !p.updated().After(last))
			last = p.updated()
			if sorted && !since.IsZero() && !last.IsZero() && last.Before(since) {
				return true, nil
			}
			it, err := s.item(ctx, p, list.Links.Base)
			if err != nil {
				return false, err
			}
			if err := yield(it); err != nil {
				return false, err
			}
		}
		if list.Links.Next == "" {
			return false, nil
		}
		next := list.Links.Next
		if s.c.CQL != "" && strings.HasPrefix(next, "/rest/") {
			next = s.http.base.Path + next // API v1 leaves out where the site lies
		}
		var err error
		if u, err = s.http.within(next); err != nil {
			return false, err
		}
	}
}

// item is a page. As readers see it, it is fetched on its own: lists do not have that.
func (s *confluence) item(ctx context.Context, p confluencePage, base string) (Item, error) {
	path := "pages/" + string(p.ID)
	if p.Status != "" && p.Status != "current" {
		return Item{Path: path, Skip: SkipDraft}, nil
	}
	given := Meta{ID: s.c.Name + "/" + string(p.ID), Title: p.Title, Updated: p.updated()}
	if p.Links.WebUI != "" {
		given.URL = strings.TrimRight(firstOf(base, s.c.Location), "/") + p.Links.WebUI
	}
	if s.c.Body == "storage" {
		return stringItem(path, FormatConfluence, p.Body.Storage.Value, given), nil
	}
	if s.c.CQL == "" {
		u := s.http.base.JoinPath("api/v2/pages", string(p.ID))
		u.RawQuery = "body-format=view"
		if err := s.http.getJSON(ctx, u, &p); err != nil {
			return Item{}, err
		}
	}
	return stringItem(path, FormatFragment, p.Body.View.Value, given), nil
}
