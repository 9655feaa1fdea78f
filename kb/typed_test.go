package kb

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseTyped(t *testing.T) {
	for query, want := range map[string]typed{
		`disk full`:                      {text: `disk full`},
		`"disk full" node`:               {text: `disk full  node`, phrases: []string{"disk full"}},
		`“磁盘已满” 节点`:                      {text: `磁盘已满  节点`, phrases: []string{"磁盘已满"}},
		`disk -windows`:                  {text: `disk`, without: []string{"windows"}},
		`disk -"windows server" full`:    {text: `disk  full`, without: []string{"windows server"}},
		`数据库 -连接`:                        {text: `数据库`, without: []string{"连接"}},
		`start -ACS.0013`:                {text: `start`, without: []string{"ACS.0013"}},
		`java -Xmx4g fails`:              {text: `java -Xmx4g fails`},
		`rm -rf /tmp`:                    {text: `rm -rf /tmp`},
		`fail-over`:                      {text: `fail-over`},
		`- disk`:                         {text: `- disk`},
		`-windows`:                       {text: `-windows`},
		`a "quote without end`:           {text: `a "quote without end`},
		`""`:                             {text: `""`},
		"java\n-windows":                 {text: "java\n-windows"},
		`x -windows` + longTail():        {text: `x -windows` + longTail()},
		`full -disk -node -disk -"node"`: {text: `full`, without: []string{"disk", "node", "disk", "node"}},
	} {
		require.Equal(t, want, parseTyped(query), query)
	}
}

func longTail() string { return strings.Repeat(" long", maxTypedRunes/5) }

// FuzzParseTyped: whatever is typed, something is looked for, and nothing is made up.
func FuzzParseTyped(f *testing.F) {
	for _, s := range []string{`"a b" -c`, `-"x`, `“磁盘” -连接`, "-\xff", `a -ACS.0013 "`, ``} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p := parseTyped(s)
		require.Equal(t, strings.TrimSpace(s) == "", strings.TrimSpace(p.text) == "")
		require.LessOrEqual(t, len(p.phrases)+len(p.without), maxOperators)
		for _, part := range append(p.phrases, p.without...) {
			require.NotEmpty(t, part)
			require.Contains(t, s, part)
		}
	})
}
