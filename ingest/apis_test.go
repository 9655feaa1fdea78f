package ingest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// helpCenter is a Zendesk help center with two locales, three articles, and pages of two.
type helpCenter struct {
	*site
	articles map[string]map[string]any // locale/id → article
	changed  []any
}

func newHelpCenter(t *testing.T) *helpCenter {
	h := &helpCenter{site: newSite(t), articles: map[string]map[string]any{}}
	const api = "/api/v2/help_center/"
	h.says(api+"locales.json", "application/json", `{"locales":["en-us","de"],"default_locale":"en-us"}`)
	for _, l := range []string{"en-us", "de"} {
		h.says(api+l+"/categories.json", "application/json", `{"categories":[{"id":1,"name":"Storage"}],"meta":{"has_more":false}}`)
		h.says(api+l+"/sections.json", "application/json", `{"sections":[{"id":9007199254740993,"name":"Disks","category_id":1}],"meta":{"has_more":false}}`)
		h.handle(api+l+"/articles.json", func(w http.ResponseWriter, r *http.Request) { h.list(w, r, l) })
		for _, id := range []string{"101", "102", "103"} {
			h.handle(api+l+"/articles/"+id+".json", func(w http.ResponseWriter, r *http.Request) {
				a, ok := h.articles[l+"/"+id]
				if !ok {
					http.NotFound(w, r)
					return
				}
				reply200(w, map[string]any{"article": a})
			})
		}
	}
	h.handle(api+"incremental/articles.json", func(w http.ResponseWriter, r *http.Request) {
		reply200(w, map[string]any{"articles": h.changed, "count": len(h.changed), "end_time": 1, "next_page": h.URL + r.URL.RequestURI()})
	})
	h.add("en-us", "101", "Disk full", "<p>Delete <b>files</b>.</p><script>x</script>")
	h.add("en-us", "102", "Slow disk", "<p>Wait.</p>")
	h.add("en-us", "103", "Secret", "<p>For agents.</p>")
	h.articles["en-us/103"]["user_segment_id"] = 77
	h.add("de", "101", "Platte voll", "<p>Dateien löschen.</p>")
	return h
}

func (h *helpCenter) add(locale, id, title, body string) {
	h.articles[locale+"/"+id] = map[string]any{"id": json.Number(id), "title": title, "body": body, "locale": locale, "section_id": json.Number("9007199254740993"),
		"html_url": "https://help.example/hc/" + locale + "/articles/" + id, "draft": false, "user_segment_id": nil,
		"updated_at": "2026-05-01T00:00:00Z", "edited_at": "2026-04-01T00:00:00Z"}
}

func (h *helpCenter) list(w http.ResponseWriter, r *http.Request, locale string) {
	var all []any
	for _, id := range []string{"101", "102", "103"} {
		if a, ok := h.articles[locale+"/"+id]; ok {
			all = append(all, a)
		}
	}
	from := 0
	_, _ = fmt.Sscan(r.URL.Query().Get("page[after]"), &from)
	to := min(from+2, len(all))
	reply200(w, map[string]any{"articles": all[from:to], "meta": map[string]any{"has_more": to < len(all), "after_cursor": fmt.Sprint(to)},
		"links": map[string]any{"next": fmt.Sprintf("%s%s?page[size]=100&page[after]=%d", h.URL, r.URL.Path, to)}})
}

func TestZendesk(t *testing.T) {
	h := newHelpCenter(t)
	src := h.open(t, SourceConfig{Kind: "zendesk", Auth: Auth{User: "me@example.com/token", SecretEnv: "TOKEN"}, AudienceMap: map[string]string{"segment-77": "agents"}})
	index, refresh := refresher(t, src)
	rep := refresh()
	require.Equal(t, 4, rep.Added, rep)
	a := index.articles["s/101/en-us"]
	require.Equal(t, "Disk full", a.Title)
	require.Equal(t, "Delete files.", a.Body)
	require.Equal(t, []string{"en", "Storage/Disks", "https://help.example/hc/en-us/articles/101", "s/101"}, []string{a.Language, a.Category, a.URL, a.Group})
	require.Equal(t, time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), a.Updated)
	require.Equal(t, []string{"agents"}, index.articles["s/103/en-us"].Audience)
	require.Equal(t, "s/101", index.articles["s/101/de"].Group)
	require.Empty(t, h.waits)

	h.questions()
	h.now = h.now.Add(6 * time.Hour)
	rep = refresh()
	require.Equal(t, []int{4, 0, 4}, []int{rep.Unchanged, rep.Files, rep.Articles})
	asked := h.questions()
	require.Len(t, asked, 2, "the locales, and what changed: %v", asked)
	require.Contains(t, asked[1], fmt.Sprintf("start_time=%d", time.Date(2026, 6, 1, 11, 55, 0, 0, time.UTC).Unix()))

	h.add("en-us", "102", "Slow disk", "<p>Wait longer.</p>")
	delete(h.articles, "de/101")
	h.articles["en-us/101"]["draft"] = true
	h.changed = []any{map[string]any{"id": 102}, map[string]any{"id": 101}}
	h.now = h.now.Add(6 * time.Hour)
	rep = refresh()
	require.Equal(t, []int{1, 2, 1, 2}, []int{rep.Changed, rep.Deleted, rep.Unchanged, rep.Articles})
	require.Equal(t, map[string]int{SkipDraft: 1}, rep.Skipped)

	// The export does not tell of deletions: a full listing does, once a day.
	delete(h.articles, "en-us/102")
	h.changed = nil
	h.now = h.now.Add(6 * time.Hour)
	require.Equal(t, 0, refresh().Deleted)
	h.now = h.now.Add(12 * time.Hour)
	require.Equal(t, 1, refresh().Deleted)
}

func TestZendeskThatFailsKeepsItsArticles(t *testing.T) {
	h := newHelpCenter(t)
	src := h.open(t, SourceConfig{Kind: "zendesk", Locales: []string{"en-us"}, FullEvery: time.Minute})
	index, refresh := refresher(t, src)
	require.Equal(t, 3, refresh().Added)
	fail := func(name, fault string, handler http.HandlerFunc) {
		t.Run(name, func(t *testing.T) {
			h.now = h.now.Add(time.Hour)
			h.handle("/api/v2/help_center/en-us/articles.json", handler)
			rep := refresh()
			require.Contains(t, rep.Error, fault)
			require.Contains(t, rep.Error, `source "s"`)
			require.Len(t, index.articles, 3)
		})
	}
	fail("second page fails", "500 Internal Server Error", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("page[after]") {
			w.WriteHeader(500)
			return
		}
		h.list(w, r, "en-us")
	})
	fail("revoked", "401 Unauthorized: check the credentials", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) })
	fail("circle", "in a circle", func(w http.ResponseWriter, r *http.Request) {
		reply200(w, map[string]any{"articles": []any{}, "meta": map[string]any{"has_more": true}, "links": map[string]any{"next": h.URL + r.URL.RequestURI()}})
	})
	fail("elsewhere", "leads to another host", func(w http.ResponseWriter, _ *http.Request) {
		reply200(w, map[string]any{"articles": []any{}, "meta": map[string]any{"has_more": true}, "links": map[string]any{"next": "http://169.254.169.254/latest"}})
	})
	fail("a page of HTML", "in place of JSON", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html>")
	})
	fail("other JSON", "cannot be read", func(w http.ResponseWriter, _ *http.Request) { reply200(w, []int{1}) })
	// An empty list is no failure of the server's: the guard against mass deletion stops it.
	h.handle("/api/v2/help_center/en-us/articles.json", func(w http.ResponseWriter, _ *http.Request) { reply200(w, map[string]any{"articles": []any{}}) })
	h.now = h.now.Add(time.Hour)
	_, err := New(index, Options{}).Refresh(t.Context(), []Source{src})
	require.ErrorContains(t, err, "vanished")
}

func TestConfluence(t *testing.T) {
	s := newSite(t)
	page := func(id int, changed, text string) map[string]any {
		return map[string]any{"id": fmt.Sprint(id), "status": "current", "title": fmt.Sprintf("Page %d", id), "version": map[string]any{"createdAt": changed},
			"body": map[string]any{"storage": map[string]any{"value": text, "representation": "storage"}}, "_links": map[string]any{"webui": fmt.Sprintf("/spaces/A/pages/%d", id)}}
	}
	pages := []map[string]any{page(3, "2026-05-03T00:00:00Z", "<p>Three.</p>"), page(2, "2026-05-02T00:00:00Z", "<p>Two.</p>"), page(1, "2026-05-01T00:00:00Z", "<p>One.</p>")}
	s.handle("/wiki/api/v2/pages", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		from := 0
		_, _ = fmt.Sscan(q.Get("cursor"), &from)
		reply := map[string]any{"results": pages[from : from+1], "_links": map[string]any{"base": s.URL + "/wiki"}}
		if from == 0 {
			require.Equal(t, []string{"storage", "-modified-date", "7", "current"}, []string{q.Get("body-format"), q.Get("sort"), q.Get("space-id"), q.Get("status")})
		}
		if from+1 < len(pages) {
			reply["_links"].(map[string]any)["next"] = fmt.Sprintf("/wiki/api/v2/pages?limit=1&cursor=%d", from+1)
		}
		reply200(w, reply)
	})
	src := s.open(t, SourceConfig{Kind: "confluence", Location: "/wiki", Spaces: []string{"7"}})
	index, refresh := refresher(t, src)
	require.Equal(t, 3, refresh().Added)
	a := index.articles["s/2"]
	require.Equal(t, []string{"Page 2", "Two.", s.URL + "/wiki/spaces/A/pages/2", "pages/2"}, []string{a.Title, a.Body, a.URL, a.Path})

	s.now = s.now.Add(6 * time.Hour)
	pages = append([]map[string]any{page(1, s.now.Add(-time.Hour).Format(time.RFC3339), "<p>One, changed.</p>")}, pages[:2]...)
	s.questions()
	rep := refresh()
	require.Equal(t, []int{1, 2, 3}, []int{rep.Changed, rep.Unchanged, rep.Articles})
	require.Len(t, s.questions(), 2, "the list is left where it comes to what was read before")
	pages = pages[:2]
	s.now = s.now.Add(24 * time.Hour)
	require.Equal(t, 1, refresh().Deleted, "everything is listed once a day")
}

func TestConfluenceSearch(t *testing.T) {
	s := newSite(t)
	var asked []string
	s.handle("/wiki/rest/api/content/search", func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("cql"))
		reply := map[string]any{"results": []any{map[string]any{"id": 5, "status": "current", "title": "T", "version": map[string]any{"when": "2026-05-01T00:00:00.000Z"},
			"body": map[string]any{"view": map[string]any{"value": "<p>As shown.</p>"}}, "_links": map[string]any{"webui": "/x"}}}, "_links": map[string]any{}}
		if r.URL.Query().Get("cursor") == "" {
			reply["_links"] = map[string]any{"next": "/rest/api/content/search?cursor=a&cql=" + strings.ReplaceAll(r.URL.Query().Get("cql"), " ", "%20")}
			reply["results"] = []any{}
		}
		reply200(w, reply)
	})
	src := s.open(t, SourceConfig{Kind: "confluence", Location: "/wiki", CQL: "label = kb", Body: "view"})
	index, refresh := refresher(t, src)
	require.Equal(t, 1, refresh().Added)
	require.Equal(t, "As shown.", index.articles["s/5"].Body)
	s.now = s.now.Add(6 * time.Hour)
	require.Equal(t, 1, refresh().Unchanged)
	require.Equal(t, `(label = kb) and lastmodified >= "2026-05-31 11:55"`, asked[2])
	_, err := SourceConfig{Name: "s", Kind: "confluence", Location: s.URL, CQL: "a order by b"}.Open(s.setup())
	require.ErrorContains(t, err, "must not sort")
}

func TestJSONAPI(t *testing.T) {
	s := newSite(t)
	objects := []map[string]any{}
	for i := range 5 {
		objects = append(objects, map[string]any{"key": i, "fields": map[string]any{"name": fmt.Sprintf("N%d", i), "html": fmt.Sprintf("<p>Text <b>%d</b></p>", i)}})
	}
	var since []string
	s.handle("/api", func(w http.ResponseWriter, r *http.Request) {
		since = append(since, r.URL.Query().Get("since"))
		from := 0
		_, _ = fmt.Sscan(r.URL.Query().Get("after"), &from)
		to := min(from+2, len(objects))
		reply := map[string]any{"data": map[string]any{"list": objects[from:to]}, "page": map[string]any{"next": nil}}
		if to < len(objects) {
			reply["page"] = map[string]any{"next": to}
		}
		reply200(w, reply)
	})
	c := SourceConfig{Kind: "json-api", Location: "/api", Items: "data.list", Next: "page.next", NextParam: "after", UpdatedParam: "since", Deleted: "gone",
		Query: map[string]string{"limit": "2"}, Columns: &Columns{ID: "key", Title: "fields.name", Body: "fields.html", BodyFormat: "html"}}
	index, refresh := refresher(t, s.open(t, c))
	require.Equal(t, 5, refresh().Added)
	require.Equal(t, "Text 3", index.articles["s/3"].Body)
	require.Len(t, s.questions(), 3)
	objects = []map[string]any{{"key": 1, "gone": true}, {"key": 2, "fields": map[string]any{"name": "N2", "html": "new"}}, {"fields": "none"}}
	s.now = s.now.Add(time.Hour)
	rep := refresh()
	require.Equal(t, []int{1, 1, 3, 4}, []int{rep.Changed, rep.Deleted, rep.Unchanged, rep.Articles})
	require.Equal(t, map[string]int{SkipID: 1}, rep.Skipped)
	require.Equal(t, "2026-06-01T11:55:00Z", since[len(since)-1])

	objects = nil
	s.handle("/api", func(w http.ResponseWriter, _ *http.Request) { reply200(w, map[string]any{"data": 1}) })
	require.Contains(t, refresh().Error, "no list at")
	s.handle("/api", func(w http.ResponseWriter, r *http.Request) {
		reply200(w, map[string]any{"data": map[string]any{"list": []any{map[string]any{"key": 1}}}, "page": map[string]any{"next": "same"}})
	})
	require.Contains(t, refresh().Error, "in a circle")
	for fault, c := range map[string]SourceConfig{
		"columns must say": {Kind: "json-api", Location: s.URL},
		"needs next":       {Kind: "json-api", Location: s.URL, NextParam: "x", Columns: &Columns{ID: "a", Body: "b"}},
	} {
		_, err := c.Open(s.setup())
		require.ErrorContains(t, err, fault)
	}
}

// reply200 answers with JSON.
func reply200(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(v)
}
