package classifier

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

func alikeIDs(found []Alike) []string {
	out := []string{}
	for _, a := range found {
		out = append(out, a.ID)
	}
	return out
}

func decidedTickets(t *testing.T) *Memory {
	t.Helper()
	m := NewMemory(sure(), MemoryOptions{})
	for _, l := range []struct{ id, text, category, article string }{
		{"c-disk", "the disk of my server is full and nothing can be written", "storage", "a-disk"},
		{"c-disk2", "cannot write, disk is full since tonight", "storage", "a-disk"},
		{"c-vpn", "the vpn tunnel to our office drops every ten minutes", "network", "a-vpn"},
		{"c-zh", "磁盘满了，无法写入文件", "storage", "a-disk"},
		{"c-mail", "mails are not delivered", "mail", ""},
	} {
		require.NoError(t, m.Learn(Lesson{ID: l.id, Example: prediag.Example{Ticket: prediag.Ticket{Body: l.text}, Article: l.article,
			Labels: map[string]string{prediag.FieldCategory: l.category}}}))
	}
	return m
}

func TestAlikeByWordsArticleAndCategory(t *testing.T) {
	m := decidedTickets(t)
	asked := prediag.Ticket{Body: "disk is full, cannot write"}
	found := m.Alike(asked, Clues{}, 10)
	require.Equal(t, []string{"c-disk2", "c-disk"}, alikeIDs(found), "the others share no word that tells something")
	require.Greater(t, found[0].Resemblance, 0.3)
	require.False(t, found[0].SameArticle)

	found = m.Alike(asked, Clues{Articles: []string{"a-none", "a-disk"}}, 10)
	require.Equal(t, []string{"c-disk2", "c-disk", "c-zh"}, alikeIDs(found), "what the article solved is alike in any language")
	require.True(t, found[2].SameArticle)
	require.Zero(t, found[2].Resemblance)
	require.Equal(t, "a-disk", found[2].Article)

	require.Equal(t, []string{"c-disk2"}, alikeIDs(m.Alike(asked, Clues{Articles: []string{"a-disk"}}, 1)))
	require.Equal(t, "c-vpn", alikeIDs(m.Alike(prediag.Ticket{Body: "server disk tunnel"}, Clues{Category: "network", Probability: 1}, 10))[0])
	require.Empty(t, m.Alike(prediag.Ticket{Body: "…"}, Clues{}, 10))
	require.Empty(t, m.Alike(prediag.Ticket{}, Clues{Articles: []string{"a-disk"}}, 10))
	require.Empty(t, NewMemory(sure(), MemoryOptions{}).Alike(asked, Clues{}, 10))
	require.Equal(t, 1.0, m.Alike(prediag.Ticket{Body: "Mails are NOT delivered!"}, Clues{}, 10)[0].Resemblance)

	m.Forget("c-disk2")
	require.Equal(t, []string{"c-disk"}, alikeIDs(m.Alike(asked, Clues{}, 10)))
}

// TestAlikeIsBounded draws tickets and clues: resemblances lie between 0 and 1, no case comes twice, a longer list begins as a shorter one.
func TestAlikeIsBounded(t *testing.T) {
	word := rapid.SampledFrom([]string{"disk", "full", "vpn", "mail", "磁盘", "满了", "서버", "ACS.0013", "a", "!"})
	text := rapid.Custom(func(t *rapid.T) string { return fmt.Sprint(rapid.SliceOfN(word, 1, 12).Draw(t, "words")) })
	rapid.Check(t, func(t *rapid.T) {
		m := NewMemory(nil, MemoryOptions{Max: 20})
		for i := range rapid.IntRange(0, 30).Draw(t, "decided") {
			_ = m.Learn(Lesson{ID: fmt.Sprint(i), Example: prediag.Example{Ticket: prediag.Ticket{Body: text.Draw(t, "ticket")}, Article: fmt.Sprint("a", i%3)}})
		}
		asked := prediag.Ticket{Body: text.Draw(t, "asked")}
		clues := Clues{Articles: rapid.SliceOfN(rapid.SampledFrom([]string{"a0", "a1", ""}), 0, 3).Draw(t, "articles")}
		all, few := m.Alike(asked, clues, 100), m.Alike(asked, clues, 3)
		require.Equal(t, all[:min(3, len(all))], few)
		seen := map[string]bool{}
		for _, a := range all {
			require.False(t, seen[a.ID])
			seen[a.ID] = true
			require.True(t, a.Resemblance >= 0 && a.Resemblance <= 1)
		}
	})
}

// BenchmarkAlike is the search among as many decided tickets as a service keeps.
func BenchmarkAlike(b *testing.B) {
	m := NewMemory(sure(), MemoryOptions{})
	words := []string{"disk", "server", "vpn", "login", "timeout", "backup", "restore", "mail", "error", "database", "slow", "network"}
	list := make([]Lesson, 50_000)
	body := func(i int) string {
		s := ""
		for n := range 14 {
			s += fmt.Sprint(words[(i/(n+1)+n*n)%len(words)], (i*(n+7))%997, " ")
		}
		return s
	}
	for i := range list {
		list[i] = Lesson{ID: fmt.Sprint(i), Example: prediag.Example{Ticket: prediag.Ticket{Body: body(i)}, Article: fmt.Sprint("a", i%5000)}}
	}
	m.LearnAll(list)
	m.twins.build()
	for i := 0; b.Loop(); i++ {
		m.Alike(prediag.Ticket{Body: body(i * 37)}, Clues{Articles: []string{"a1", "a2", "a3"}}, 100)
	}
}
