package lang

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWithoutTag(t *testing.T) {
	for _, c := range []struct{ id, language, want string }{
		{"docs:docs/zh-cn/disk.md", "zh-cn", "docs:docs/disk.md"},
		{"docs:docs/en/disk.md", "en", "docs:docs/disk.md"},
		{"docs:docs/disk.zh-TW.md", "zh-Hant", "docs:docs/disk.md"},
		{"docs:docs/disk_pt_BR.md", "pt", "docs:docs/disk.md"},
		{"docs:docs/disk.md", "en", "docs:docs/disk.md"},
		{"xq-ar-001", "ar", "xq-001"},
		{"de/faq.html", "de", "faq.html"},
		{"docs:docs/de/en/x.md", "en", "docs:docs/de/x.md"},
		{"docs:docs/fr/x.md", "de", "docs:docs/fr/x.md"},
		{"docs:docs/zh/x.md", "", "docs:docs/zh/x.md"},
		{"en", "en", "en"},
	} {
		require.Equal(t, c.want, WithoutTag(c.id, c.language), c.id)
	}
}
