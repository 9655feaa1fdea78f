package code

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func found(s string) string {
	var codes []string
	for _, m := range Find(s) {
		codes = append(codes, m.Code)
	}
	return strings.Join(codes, ", ")
}

func TestFind(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"dotted", "It fails with ACS.0013, DBS.280001 and APIGW.0284.", "ACS.0013, DBS.280001, APIGW.0284"},
		{"dotted in several parts", "SVCSTG.ECSCFG.6381", "SVCSTG.ECSCFG.6381"},
		{"dotted in any case", "Ecs.0013 ces.0005", "ECS.0013, CES.0005"},
		{"between chinese", "云服务器报错ＥＣＳ．００１３了", "ECS.0013"},
		{"alarm id", "ALM-12033 alm-21004 ALM12001", "ALM-12033, ALM-21004, ALM-12001"},
		{"alarm with its word", "alarm 12033 keeps firing", "ALM-12033"},
		{"alarm with its word in chinese", "出现告警 12033，告警ID：12034", "ALM-12033, ALM-12034"},
		{"bare number as the query", " 12033 ", "12033"},
		{"bare number in a sentence", "we have 12033 users", ""},
		{"exceptions", "java.lang.NullPointerException: x, botocore.exceptions.ClientError", "NullPointerException, ClientError"},
		{"kubernetes", "ErrImagePull ImagePullBackOff CrashLoopBackOff OOMKilled", "ErrImagePull, ImagePullBackOff, CrashLoopBackOff, OOMKilled"},
		{"api errors", "AccessDenied InvalidParameter.NotFound NoSuchBucket QuotaExceeded", "AccessDenied, InvalidParameter.NotFound, NoSuchBucket, QuotaExceeded"},
		{"oracle", "ORA-01017: invalid username", "ORA-01017"},
		{"sqlstate", "SQLSTATE 42P01 SQLSTATE[HY000]", "SQLSTATE 42P01, SQLSTATE HY000"},
		{"http status", "HTTP 503, HTTP/1.1 404 Not Found, status code: 502, 状态码 500", "HTTP 503, HTTP 404, HTTP 502, HTTP 500"},
		{"http status before its words", "504 Gateway Timeout und 502 错误", "HTTP 504, HTTP 502"},
		{"http success is none", "HTTP 200", ""},
		{"exit code", "exit code 137, exited with code 1, 退出码：139", "EXIT 137, EXIT 1, EXIT 139"},
		{"hresult", "0x80070005 0xc000021a", "0x80070005, 0xC000021A"},
		{"hex with its word", "error code 0x51", "0x51"},
		{"memory address", "at 0x7ffe12ab34cd", ""},
		{"errno", "connect ECONNREFUSED 10.0.0.1:443", "ECONNREFUSED"},
		{"snake case", "DSC_ERR_003_018 ERR_CONNECTION_REFUSED PERMISSION_DENIED", "DSC_ERR_003_018, ERR_CONNECTION_REFUSED, PERMISSION_DENIED"},
		{"snake case setting", "JAVA_HOME MAX_CONNECTIONS", ""},
		{"error number", "MySQL error 1045, 错误码：12000067", "1045, 12000067"},
		{"name with its word", "error code: Forbidden", "Forbidden"},
		{"products", "JavaScript GitHub OpenTelekomCloud OpenStack MySQL NoSQL PowerShell", ""},
		{"versions and addresses", "v1.25.3 nginx-1.25.1 10.0.0.13 192.168.10.200 1.2.3-rc.1", ""},
		{"dates and times", "2026-11-22 22.11.2026 2026-11-22T10:00:00Z 12:33", ""},
		{"resource ids", "i-0abc123.cn-north-4 9bf716c8-a34f-4f2c-8cf7-46b7ba419855 vpc-12345 sg-0013", ""},
		{"standards", "UTF-8 ISO-8859 SHA-256 RFC-2616 CVE-2021-44228", ""},
		{"files and urls", "ErrorHandler.java https://example.com/ACS.0013/AccessDenied", ""},
		{"settings", "readTimeout ErrorCode maxFailures", ""},
		{"words", "Not found. The request failed and access was denied.", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, found(c.in))
		})
	}
}

func TestFindSpans(t *testing.T) {
	t.Parallel()
	in := "报错ＥＣＳ．００１３，HTTP 503"
	var got []string
	for _, m := range Find(in) {
		got = append(got, in[m.Span.Start:m.Span.End])
	}
	require.Equal(t, []string{"ＥＣＳ．００１３", "HTTP 503"}, got)
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"ecs.0013": "ECS.0013", "ＥＣＳ．００１３": "ECS.0013", "alm_12033": "ALM-12033", "alarm 12033": "ALM-12033",
		"ALM12033": "ALM-12033", "http/1.1 503": "HTTP 503", "0X8007000e": "0x8007000E", "ora-01017": "ORA-01017",
		"NullPointerException": "NullPointerException", "InvalidParameter.NotFound": "InvalidParameter.NotFound",
		" 1045 ": "1045", "dsc_err_003_018": "DSC_ERR_003_018", "": "",
	} {
		require.Equal(t, want, Canonical(in))
	}
}

func checkFind(t require.TestingT, s string) {
	last := 0
	for _, m := range Find(s) {
		require.LessOrEqual(t, last, m.Span.Start)
		require.Less(t, m.Span.Start, m.Span.End)
		require.LessOrEqual(t, m.Span.End, len(s))
		require.Equal(t, m.Code, Canonical(m.Code))
		last = m.Span.End
	}
}

func TestFindAndCanonicalHoldTheirPromises(t *testing.T) {
	t.Parallel()
	parts := []string{"ACS.0013", "ALM-1", "2033", "alarm ", "告警", "HTTP ", "503", "Error", "NotFound", ".", "-", "_", "0x", "８", "Ａ",
		" ", "\xff", "sqlstate ", "42P01", "exit code ", "://", "/", "ERR_", "中", "e\u0301"}
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOf(rapid.SampledFrom(parts)).Draw(t, "parts"), "")
		checkFind(t, s)
		once := Canonical(s)
		require.Equal(t, once, Canonical(once))
	})
}

func FuzzFind(f *testing.F) {
	f.Add("ACS.0013 HTTP 503 告警 12033 \xff Ｅ")
	f.Fuzz(func(t *testing.T, s string) { checkFind(t, s) })
}

func readLines(t *testing.T, path string, each func(line []byte)) {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "..", "shared", "data", path))
	if err != nil {
		t.Skip("no corpus here")
	}
	defer file.Close()
	var r io.Reader = file
	if strings.HasSuffix(path, ".gz") {
		r, err = gzip.NewReader(file)
		require.NoError(t, err)
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		each(lines.Bytes())
	}
	require.NoError(t, lines.Err())
}

// TestFindRealCodes puts the codes of real documentation into a sentence, with the word "error code" and without.
func TestFindRealCodes(t *testing.T) {
	t.Parallel()
	seen, plain, worded, bad := map[string]bool{}, 0, 0, 0
	readLines(t, "kb/fault-codes/fault_codes.jsonl.gz", func(line []byte) {
		var r struct{ Code string }
		require.NoError(t, json.Unmarshal(line, &r))
		if seen[r.Code] {
			return
		}
		seen[r.Code] = true
		if found("Since today we get "+r.Code+" on the console.") == Canonical(r.Code) {
			plain++
		} else if bad++; testing.Verbose() && bad%12 == 0 {
			t.Logf("not found: %q: %q", r.Code, found("Since today we get "+r.Code+" on the console."))
		}
		if found("控制台返回错误码："+r.Code+"，请处理") == Canonical(r.Code) {
			worded++
		}
	})
	n := float64(len(seen))
	t.Logf("%d codes: plain %.3f, with the word %.3f", len(seen), float64(plain)/n, float64(worded)/n)
	require.Greater(t, float64(plain)/n, 0.85)
	require.Greater(t, float64(worded)/n, 0.95)
}

func TestFindAlarmQueries(t *testing.T) {
	t.Parallel()
	right, total := 0, 0
	readLines(t, "retrieval/otc-alarms/queries.jsonl", func(line []byte) {
		var q struct{ ID, Text string }
		require.NoError(t, json.Unmarshal(line, &q))
		total++
		number := strings.TrimPrefix(q.ID, "alm")
		if got := found(q.Text); got == "ALM-"+number || got == number && q.Text == number {
			right++
		} else {
			t.Logf("%q: %q", q.Text, got)
		}
	})
	t.Logf("%d of %d", right, total)
	require.Equal(t, total, right)
}

func BenchmarkFind(b *testing.B) {
	for name, s := range map[string]string{
		"prose":   strings.Repeat("The instance i-0abc123 fails with ACS.0013 and HTTP 503 since 2026-11-22, 10.0.0.1 is fine. ", 100),
		"numbers": strings.Repeat("12345 ", 2000),
		"letters": strings.Repeat("a", 20000),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			for b.Loop() {
				Find(s)
			}
		})
	}
}
