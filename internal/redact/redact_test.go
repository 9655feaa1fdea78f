package redact

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Values that look real are put together here, so that scanners of repositories do not take them for leaked ones.
var (
	accessKey = "ABCD" + "EFGH12345678IJKL"
	secretKey = "abcdEFGH0123" + "ijklMNOP4567qrstUVWX89yzABcd"
	webToken  = "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcDEF123_-x"
)

func TestText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"nothing", "The disk is full.", "The disk is full."},
		{"email", "Mail a.b+c@example.com or a.b+c@example.com, not d@example.org", "Mail [EMAIL-1] or [EMAIL-1], not [EMAIL-2]"},
		{"access keys in chinese", "我的 AK 是 " + accessKey + " SK 是 " + secretKey + "，报错", "我的 AK 是 [SECRET-1] SK 是 [SECRET-2]，报错"},
		{"access keys in the environment", "export SDK_AK=" + accessKey + "\nexport SDK_SK=" + secretKey, "export SDK_AK=[SECRET-1]\nexport SDK_SK=[SECRET-2]"},
		{"web token", "Authorization: Bearer " + webToken, "Authorization: Bearer [SECRET-1]"},
		{"private key", "key:\n-----BEGIN RSA PRIVATE KEY-----\nQUJD\n-----END RSA PRIVATE KEY-----\nend", "key:\n[SECRET-1]\nend"},
		{"certificate stays", "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----", "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----"},
		{"password", "password=Abc123!x user=bob", "password=[SECRET-1] user=bob"},
		{"password in chinese", "密码是Abc@12345，登录失败", "密码是[SECRET-1]，登录失败"},
		{"password full width", "密码：Ａｂｃ＠１２３４５ 不行", "密码：[SECRET-1] 不行"},
		{"talk of passwords stays", "The password is wrong, password reset failed. Password: the old one", "The password is wrong, password reset failed. Password: the old one"},
		{"talk of passwords stays in chinese", "密码错误，提示 ACS.0013，重置密码失败", "密码错误，提示 ACS.0013，重置密码失败"},
		{"template stays", "password: ${DB_PASSWORD} token=<token>", "password: ${DB_PASSWORD} token=<token>"},
		{"connection string", "mysql://root:s3cret@db.example.com:3306/x", "mysql://root:[SECRET-1]@db.example.com:3306/x"},
		{"url without password stays", "https://db.example.com:3306/x?y=z", "https://db.example.com:3306/x?y=z"},
		{"chinese mobile", "电话：+86 13912345678，或 139-1234-5678", "电话：[PHONE-1]，或 [PHONE-2]"},
		{"full-width mobile", "手机１３９１２３４５６７８", "手机[PHONE-1]"},
		{"international phone", "call +49 30 1234567 now", "call [PHONE-1] now"},
		{"resident id", "身份证11010519491231002X。", "身份证[ID-1]。"},
		{"resident id with a wrong check digit", "编号110105194912310021。", "编号110105194912310021。"},
		{"card", "card 4111 1111 1111 1111 ok", "card [CARD-1] ok"},
		{"card with a wrong check digit", "order 4111111111111112", "order 4111111111111112"},
		{"timestamp with a right check digit", "ts 434693927394607136", "ts 434693927394607136"},
		{"name and passport", "联系人林磊，护照号G62366531", "联系人[NAME-1]，护照号[PASSPORT-1]"},
		{"name of a field", "联系人信息，姓名为空", "联系人信息，姓名为空"},
		{"port and folder", "mysql -h 127.0.0.1 -P 4001; mkdir -p 'data/how_to1/'", "mysql -h 127.0.0.1 -P 4001; mkdir -p 'data/how_to1/'"},
		{"iban", "to DE89 3704 0044 0532 0130 00 please", "to [IBAN-1] please"},
		{"iban with a wrong check number", "DE88370400440532013000", "DE88370400440532013000"},
		{"diagnostic values stay", "10.0.0.13 ACS.0013 i-0abc123 9bf716c8-a34f-4f2c-8cf7-46b7ba419855 2026-11-22 10:00:00 sha256:7a51060abc host-1.example.com",
			"10.0.0.13 ACS.0013 i-0abc123 9bf716c8-a34f-4f2c-8cf7-46b7ba419855 2026-11-22 10:00:00 sha256:7a51060abc host-1.example.com"},
		{"placeholders stay", "password=[SECRET-1] mail x@example.com [EMAIL-3]", "password=[SECRET-1] mail [EMAIL-4] [EMAIL-3]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			clean, found := Text(c.in)
			require.Equal(t, c.want, clean)
			require.Equal(t, clean == c.in, len(found) == 0)
			again, _ := Text(clean)
			require.Equal(t, clean, again)
		})
	}
}

func TestFindingsPointIntoTheOriginal(t *testing.T) {
	t.Parallel()
	in := "手机１３９１２３４５６７８ 邮箱 a@example.com"
	_, found := Text(in)
	require.Len(t, found, 2)
	require.Equal(t, Phone, found[0].Kind)
	require.Equal(t, "１３９１２３４５６７８", in[found[0].Span.Start:found[0].Span.End])
	require.Equal(t, "a@example.com", in[found[1].Span.Start:found[1].Span.End])
}

func checkText(t require.TestingT, s string) {
	clean, found := Text(s)
	last := 0
	for _, f := range found {
		require.LessOrEqual(t, last, f.Span.Start)
		require.Less(t, f.Span.Start, f.Span.End)
		require.LessOrEqual(t, f.Span.End, len(s))
		last = f.Span.End
	}
	if len(found) == 0 {
		require.Equal(t, s, clean)
	}
}

func TestTextHoldsItsPromises(t *testing.T) {
	t.Parallel()
	parts := []string{"password", "=", ":", " ", "Abc123!", "密码", "是", "13912345678", "４", "4111111111111111", "a@b.co", "AK ", accessKey,
		"-----BEGIN PRIVATE KEY-----", "\n", "\xff", "'", "\"", "[SECRET-1]", "://", "u:p@", "+49", "DE89370400440532013000", "中"}
	rapid.Check(t, func(t *rapid.T) {
		checkText(t, strings.Join(rapid.SliceOf(rapid.SampledFrom(parts)).Draw(t, "parts"), ""))
	})
}

func FuzzText(f *testing.F) {
	f.Add("password=abc 密码：x1 13912345678 \xff [SECRET-1]")
	f.Fuzz(func(t *testing.T, s string) { checkText(t, s) })
}

// span is an annotated part of a sample, in characters.
type span struct {
	Type       string
	Start, End int
	Value      string
}

func readLines(t *testing.T, path string, each func(line []byte)) {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "..", "shared", "data", "hostile", path))
	if err != nil {
		t.Skip("no samples here")
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		each(lines.Bytes())
	}
	require.NoError(t, lines.Err())
}

// testPersonal measures the share of values per type that are gone, and the hits in texts without any.
func testPersonal(t *testing.T, path string, floors map[string]float64) {
	gone, total, clean, hits := map[string]int{}, map[string]int{}, 0, 0
	readLines(t, path, func(line []byte) {
		var r struct {
			ID, Text string
			Spans    []span
		}
		require.NoError(t, json.Unmarshal(line, &r))
		out, found := Text(r.Text)
		if len(r.Spans) == 0 {
			clean++
			if len(found) > 0 {
				hits++
				t.Logf("false hit: %s: %q", r.ID, out)
			}
		}
		for _, s := range r.Spans {
			total[s.Type]++
			if !strings.Contains(out, s.Value) {
				gone[s.Type]++
			} else if floors[s.Type] > 0 {
				t.Logf("missed: %s: %s %q in %q", r.ID, s.Type, s.Value, out)
			}
		}
	})
	for kind, n := range total {
		share := float64(gone[kind]) / float64(n)
		t.Logf("%-14s %3d of %3d = %.3f", kind, gone[kind], n, share)
		require.GreaterOrEqual(t, share, floors[kind], kind)
	}
	t.Logf("false hits: %d of %d", hits, clean)
	require.LessOrEqual(t, hits*20, clean)
}

func TestChinesePersonalData(t *testing.T) {
	t.Parallel()
	testPersonal(t, "pii-zh-own/records.jsonl", map[string]float64{"MOBILE": 0.99, "ID": 0.99, "BANK": 0.99, "EMAIL": 0.99, "PASSPORT": 0.99})
}

func TestEnglishPersonalData(t *testing.T) {
	t.Parallel()
	testPersonal(t, "pii-presidio/records.jsonl", map[string]float64{"CREDIT_CARD": 0.99, "EMAIL_ADDRESS": 0.99, "US_SSN": 0.99, "PHONE_NUMBER": 0.9})
}

func TestCloudSecrets(t *testing.T) {
	t.Parallel()
	secrets, gone, clean, hits := 0, 0, 0, 0
	readLines(t, "secrets-cloud-own/samples.jsonl", func(line []byte) {
		var r struct {
			ID, Kind string
			Secret   bool
			Text     []byte   `json:"text_b64"`
			Secrets  [][]byte `json:"secrets_b64"`
		}
		require.NoError(t, json.Unmarshal(line, &r))
		out, found := Text(string(r.Text))
		if !r.Secret {
			clean++
			if len(found) > 0 {
				hits++
				t.Logf("false hit: %s: %q", r.ID, out)
			}
		}
		for _, s := range r.Secrets {
			secrets++
			if !strings.Contains(out, string(s)) {
				gone++
			} else {
				t.Logf("missed: %s %s in %q", r.ID, r.Kind, out)
			}
		}
	})
	t.Logf("%d of %d secrets, %d false hits in %d", gone, secrets, hits, clean)
	require.GreaterOrEqual(t, float64(gone)/float64(secrets), 0.98)
	require.LessOrEqual(t, hits*20, clean)
}

// TestScannerSamples reports on the examples of a secret scanner: many are of vendors that tickets of a cloud rarely hold.
func TestScannerSamples(t *testing.T) {
	t.Parallel()
	total, hit, clean, hits := 0, 0, 0, 0
	readLines(t, "secrets-noseyparker/samples.jsonl", func(line []byte) {
		var r struct {
			ID         string
			Secret     bool
			Categories []string
			Text       string `json:"text_b64"`
		}
		require.NoError(t, json.Unmarshal(line, &r))
		in, err := base64.StdEncoding.DecodeString(r.Text)
		require.NoError(t, err)
		if strings.Contains(strings.Join(r.Categories, " "), "identifier") {
			return
		}
		out, found := Text(string(in))
		switch {
		case r.Secret && len(found) > 0:
			hit++
		case r.Secret && testing.Verbose():
			t.Logf("missed: %s: %.300q", r.ID, out)
		case !r.Secret && len(found) > 0:
			hits++
			t.Logf("hit in a negative: %s: %.200q", r.ID, out)
		}
		if r.Secret {
			total++
		} else {
			clean++
		}
	})
	t.Logf("%d of %d samples, %d hits in %d negatives", hit, total, hits, clean)
	require.GreaterOrEqual(t, float64(hit)/float64(total), 0.9)
}

// BenchmarkTicket is about a text that holds nothing to remove, as most do.
func BenchmarkTicket(b *testing.B) {
	s := "The tunnel to our office drops every ten minutes since the update of last night. We restarted both gateways and " +
		"checked the routes, the logs say that phase 2 fails with error 0x51F7. Please tell us what we can do, many people wait."
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		Text(s)
	}
}

func BenchmarkText(b *testing.B) {
	for name, unit := range map[string]string{
		"prose":   "The instance i-0abc123 fails with ACS.0013 since 2026-11-22, 10.0.0.1 is fine, please check the logs. ",
		"chinese": "云服务器实例启动失败，请帮忙处理，重置密码后还是登不上，", "digits": "1234 ", "ats": "a@", "words": "password ak sk key token ",
	} {
		s := strings.Repeat(unit, 256<<10/len(unit))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			for b.Loop() {
				Text(s)
			}
		})
	}
}

func TestStrip(t *testing.T) {
	clean, _ := Text("my password=hunter2hunter2 fails, call +49 170 1234567")
	require.Equal(t, strings.Count(clean, "["), strings.Count(clean, "]"))
	require.NotContains(t, Strip(clean), "-1]")
	require.Equal(t, "see [1] and [ABC]", Strip("see [1] and [ABC]"))
}
