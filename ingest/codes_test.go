package ingest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// code is what a test says about a fault code.
type codeWant struct{ code, message, meaning, solution, quote string }

func TestFaultCodes(t *testing.T) {
	for _, c := range []struct {
		name, path, in string
		want           []codeWant
	}{
		{"table", "a.md", "# Codes\n\n| Error code | Message | Meaning | Solution |\n|--|--|--|--|\n| ACS.0013 | no room | Zone is full | Choose another |\n| Note | a | b | c |\n",
			[]codeWant{{"ACS.0013", "no room", "Zone is full", "Choose another", "ACS.0013 | no room | Zone is full | Choose another"}}},
		{"chinese", "a.md", "# 错误码\n\n|错误码|描述|处理建议|\n|--|--|--|\n|AccessDenied.NoPolicy|没有权限|授权|\n",
			[]codeWant{{"AccessDenied.NoPolicy", "", "没有权限", "授权", "AccessDenied.NoPolicy | 没有权限 | 授权"}}},
		{"japanese", "a.md", "# x\n\n|エラーコード|意味|対処方法|\n|--|--|--|\n|ABS.1204|満杯|拡張|\n", []codeWant{{"ABS.1204", "", "満杯", "拡張", "ABS.1204 | 満杯 | 拡張"}}},
		{"korean", "a.md", "# x\n\n|오류 코드|설명|조치|\n|--|--|--|\n|ABS.1204|가득|확장|\n", []codeWant{{"ABS.1204", "", "가득", "확장", "ABS.1204 | 가득 | 확장"}}},
		{"error code before status code", "a.md", "# x\n\n|Status Code|Error Code|Description|\n|--|--|--|\n|400|IMG.0001|bad|\n", []codeWant{{"IMG.0001", "", "bad", "", "400 | IMG.0001 | bad"}}},
		{"alarm ids are numbers", "a.md", "# x\n\n|Alarm ID|Alarm Name|\n|--|--|\n|12033|Slow disk|\n", []codeWant{{"ALM-12033", "Slow disk", "", "", "12033 | Slow disk"}}},
		{"statuses where they are explained", "a.md", "# Status codes\n\n|Status Code|Description|\n|--|--|\n|200|fine|\n|503|busy|\n", []codeWant{{"HTTP 503", "", "busy", "", "503 | busy"}}},
		{"statuses where they are listed", "a.md", "# Create a disk\n\n|Status Code|Description|\n|--|--|\n|503|busy|\n", nil},
		{"several codes in a cell", "a.md", "# x\n\n|Code|Meaning|\n|--|--|\n|ABS.1, ABS.2|m|\n", []codeWant{{"ABS.1", "", "m", "", "ABS.1, ABS.2 | m"}, {"ABS.2", "", "m", "", "ABS.1, ABS.2 | m"}}},
		{"no table of codes", "a.md", "# x\n\n|Parameter|Description|\n|--|--|\n|ABS.1|m|\n", nil},
		{"first explanation stays, gaps are filled", "a.md", "# x\n\n|Code|Meaning|\n|--|--|\n|ABS.1204|m|\n\ntext\n\n|Code|Meaning|Solution|\n|--|--|--|\n|abs.1204|n|s|\n",
			[]codeWant{{"ABS.1204", "", "m", "s", "ABS.1204 | m"}}},
		{"title", "a.rst", "ALM-12033 Slow Disk Fault\n=========================\n\nDescription\n-----------\n\nd\n\nHandling Procedure\n------------------\n\nintro\n\nCheck\n~~~~~\n\n#. Replace it.\n\nReference\n---------\n\nnone\n",
			[]codeWant{{"ALM-12033", "", "ALM-12033 Slow Disk Fault", "intro\n\nCheck\n\n1. Replace it.", "intro\n\nCheck\n\n1. Replace it."}}},
		{"declared, without a solution", "a.md", "---\ncodes: [ADN.0404]\n---\n# Not found\n\nText.\n", []codeWant{{"ADN.0404", "", "Not found", "", "Text."}}},
		{"rows of a record", "a.jsonl", `{"id":"a","title":"x","body":"See:\n\nError Code | Description | Solution\nAB.1 | d | s\n\n|错误码|含义|\n|AB.2|m|"}`,
			[]codeWant{{"AB.1", "", "d", "s", "AB.1 | d | s"}, {"AB.2", "", "m", "", "AB.2 | m"}}},
		{"rows that lost a spanned cell", "a.jsonl", `{"id":"a","title":"x","body":"Module | Error Code | Description\nPort | AB.1 | d\nAB.2 | e\nVPC | AB.3"}`,
			[]codeWant{{"AB.1", "", "d", "", "Port | AB.1 | d"}, {"AB.2", "", "e", "", "AB.2 | e"}}},
		{"codes of a record", "a.jsonl", `{"id":"a","title":"x","body":"b","codes":["AB.1",{"code":"AB.2","message":"m","meaning":"n","solution":"s"}]}`,
			[]codeWant{{"AB.1", "", "x", "", "b"}, {"AB.2", "m", "n", "s", "b"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, reason := parseFile("s", c.path, []byte(c.in))
			if formatOf(c.path) == FormatJSONL {
				a, reason = parseRecord("s", c.path, []byte(c.in))
			}
			require.Empty(t, reason)
			var got []codeWant
			for _, f := range a.Codes {
				got = append(got, codeWant{f.Code, f.Message, f.Meaning, f.Solution, f.Citation.Quote})
				require.Equal(t, []string{a.ID, a.Revision, a.Title}, []string{f.Citation.ArticleID, f.Citation.Revision, f.Citation.Title})
			}
			require.Equal(t, c.want, got)
			checkArticle(t, c.name, a, reason)
		})
	}
}
