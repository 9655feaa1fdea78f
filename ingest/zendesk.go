package ingest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// zendesk is a Zendesk help center, read through the Help Center API: articles, sections and categories by locale with
// cursor pagination; between two full listings, what the incremental article export names.
type zendesk struct {
	c    SourceConfig
	s    Setup
	http *client
}

// maxSingles is how many articles are fetched one by one; of more changes everything is listed.
const maxSingles = 300

func zendeskKind() kind {
	return kind{keys: append([]string{"locales"}, networkKeys[:]...), open: func(c SourceConfig, s Setup) (Source, error) {
		for _, l := range c.Locales {
			if canonicalTag(l) == "" {
				return nil, fmt.Errorf("locales holds %q, which is no locale such as en-us", l)
			}
		}
		h, err := newClient(c, s)
		return &zendesk{c: c, s: s, http: h}, err
	}}
}

// zendeskArticle is an article as the API gives it.
type zendeskArticle struct {
	ID        textID    `json:"id"`
	Title     string    `json:"title"`
	Body      string    `json:"body"`
	HTMLURL   string    `json:"html_url"`
	Locale    string    `json:"locale"`
	SectionID textID    `json:"section_id"`
	Segment   textID    `json:"user_segment_id"`
	Segments  []textID  `json:"user_segment_ids"`
	Draft     bool      `json:"draft"`
	Updated   time.Time `json:"updated_at"`
	Edited    time.Time `json:"edited_at"`
}

// zendeskPage is a page of any list.
type zendeskPage struct {
	Articles   []zendeskArticle `json:"articles"`
	Sections   []zendeskSection `json:"sections"`
	Categories []zendeskSection `json:"categories"`
	Meta       struct {
		HasMore bool `json:"has_more"`
	} `json:"meta"`
	Links struct {
		Next string `json:"next"`
	} `json:"links"`
	NextPage string `json:"next_page"` // of the incremental export
}

type zendeskSection struct {
	ID       textID `json:"id"`
	Name     string `json:"name"`
	Category textID `json:"category_id"`
}

func (z *zendesk) Name() string { return z.c.Name }

func (z *zendesk) Walk(ctx context.Context, yield func(Item) error) error {
	_, err := z.WalkSince(ctx, nil, yield)
	return err
}

func (z *zendesk) WalkSince(ctx context.Context, mark []byte, yield func(Item) error) (Walked, error) {
	z.http.begin()
	began := z.s.Now().UTC()
	m, delta := readTimeMark(mark, began, z.c.FullEvery)
	locales, err := z.locales(ctx)
	if err != nil {
		return Walked{}, err
	}
	var changed []textID
	if delta {
		if changed, err = z.changedSince(ctx, m.Since.Add(-overlap)); err != nil {
			return Walked{}, err
		}
		delta = len(changed)*len(locales) <= maxSingles
	}
	for _, locale := range locales {
		if delta && len(changed) == 0 {
			break
		}
		sections, err := z.sections(ctx, locale)
		if err != nil {
			return Walked{}, err
		}
		offer := func(a zendeskArticle) error { return yield(z.item(a, locale, sections)) }
		if delta {
			err = z.singles(ctx, locale, changed, offer, yield)
		} else {
			err = z.all(ctx, locale, offer)
		}
		if err != nil {
			return Walked{}, err
		}
	}
	return m.walked(began, !delta)
}

// at is the address of an endpoint of the Help Center API.
func (z *zendesk) at(path string, query url.Values) *url.URL {
	u := z.http.base.JoinPath("api/v2/help_center", path)
	u.RawQuery = query.Encode()
	return u
}

// locales are the configured ones, or those that the help center has.
func (z *zendesk) locales(ctx context.Context) ([]string, error) {
	if len(z.c.Locales) > 0 {
		return z.c.Locales, nil
	}
	var reply struct {
		Locales []string `json:"locales"`
	}
	if err := z.http.getJSON(ctx, z.at("locales.json", nil), &reply); err != nil {
		return nil, err
	}
	if len(reply.Locales) == 0 {
		return nil, fmt.Errorf("%w: the help center has no locale", ErrUnavailable)
	}
	return slices.Compact(slices.Sorted(slices.Values(reply.Locales))), nil
}

// pages follows a list by its cursor.
func (z *zendesk) pages(ctx context.Context, path string, on func(zendeskPage) error) error {
	u := z.at(path, url.Values{"page[size]": {"100"}})
	for f := (follower{}); ; {
		if err := f.next(u.String()); err != nil {
			return err
		}
		var page zendeskPage
		if err := z.http.getJSON(ctx, u, &page); err != nil {
			return err
		}
		if err := on(page); err != nil || !page.Meta.HasMore || page.Links.Next == "" {
			return err
		}
		var err error
		if u, err = z.http.within(page.Links.Next); err != nil {
			return err
		}
	}
}

// sections names the sections with their categories, "Category/Section", by ID.
func (z *zendesk) sections(ctx context.Context, locale string) (map[textID]string, error) {
	categories, out := map[textID]string{}, map[textID]string{}
	err := z.pages(ctx, locale+"/categories.json", func(p zendeskPage) error {
		for _, c := range p.Categories {
			categories[c.ID] = oneLine(c.Name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = z.pages(ctx, locale+"/sections.json", func(p zendeskPage) error {
		for _, s := range p.Sections {
			out[s.ID] = strings.Trim(categories[s.Category]+"/"+oneLine(s.Name), "/")
		}
		return nil
	})
	return out, err
}

// all lists every article of a locale.
func (z *zendesk) all(ctx context.Context, locale string, offer func(zendeskArticle) error) error {
	n := 0
	return z.pages(ctx, locale+"/articles.json", func(p zendeskPage) error {
		for _, a := range p.Articles {
			if n++; n > z.http.limits.Items {
				return fmt.Errorf("%w: more than %d articles; raise limits.items", ErrUnavailable, z.http.limits.Items)
			}
			if err := offer(a); err != nil {
				return err
			}
		}
		return nil
	})
}

// changedSince lists the IDs of the articles that changed, in any locale.
func (z *zendesk) changedSince(ctx context.Context, since time.Time) ([]textID, error) {
	u := z.at("incremental/articles.json", url.Values{"start_time": {strconv.FormatInt(since.Unix(), 10)}})
	var ids []textID
	for f := (follower{}); ; {
		if f.next(u.String()) != nil {
			return ids, nil // the last page names itself as the next one
		}
		var page zendeskPage
		if err := z.http.getJSON(ctx, u, &page); err != nil {
			return nil, err
		}
		for _, a := range page.Articles {
			if !slices.Contains(ids, a.ID) {
				ids = append(ids, a.ID)
			}
		}
		if page.NextPage == "" || len(page.Articles) == 0 || len(ids) > maxSingles {
			return ids, nil
		}
		var err error
		if u, err = z.http.within(page.NextPage); err != nil {
			return nil, err
		}
	}
}

// singles fetches articles one by one; one that is not there in this locale is gone.
func (z *zendesk) singles(ctx context.Context, locale string, ids []textID, offer func(zendeskArticle) error, yield func(Item) error) error {
	for _, id := range ids {
		var reply struct {
			Article zendeskArticle `json:"article"`
		}
		err := z.http.getJSON(ctx, z.at(locale+"/articles/"+url.PathEscape(string(id))+".json", nil), &reply)
		switch {
		case isStatus(err, http.StatusNotFound, http.StatusGone):
			err = yield(Item{Path: locale + "/" + string(id), Gone: true})
		case err == nil:
			err = offer(reply.Article)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// item is an article in a locale. One that only a segment of users may read is for the audience "segment-ID", which the
// source's audience_map may translate.
func (z *zendesk) item(a zendeskArticle, locale string, sections map[textID]string) Item {
	path := locale + "/" + string(a.ID)
	if a.Draft {
		return Item{Path: path, Skip: SkipDraft}
	}
	given := Meta{ID: z.c.Name + "/" + string(a.ID) + "/" + locale, Title: a.Title, URL: a.HTMLURL, Language: firstOf(a.Locale, locale),
		Group: z.c.Name + "/" + string(a.ID), Updated: a.Updated}
	if !a.Edited.IsZero() {
		given.Updated = a.Edited
	}
	if z.c.Category == "" {
		given.Category = sections[a.SectionID]
	}
	segments := a.Segments
	if a.Segment != "" && !slices.Contains(segments, a.Segment) {
		segments = append(segments, a.Segment)
	}
	for _, s := range segments {
		given.Audience = append(given.Audience, "segment-"+string(s))
	}
	return stringItem(path, FormatFragment, a.Body, given)
}
