package lang

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

func TestBaseAndMatch(t *testing.T) {
	t.Parallel()
	require.Equal(t, "zh", Base("zh-Hant"))
	require.Equal(t, "zh", Base("ZH_cn"))
	require.Equal(t, "de", Base("de"))
	require.True(t, Match("zh", "zh-Hant"))
	require.False(t, Match("zh", "ja"))
}

func TestDetect(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, want, in string }{
		{"empty", "und", ""},
		{"a code", "und", "ACS.0013"},
		{"numbers", "und", "12033 10.0.0.1 ALM-12033"},
		{"words in a URL", "und", "https://example.com/the/of/and/is"},
		{"too few letters", "und", "ok 42"},
		{"one word of a log", "und", "at com.acme.App.main(App.java:12)"},
		{"terms alone", "en", "Load balancer returns 503"},
		{"terms alone", "en", "ssh permission denied publickey"},
		{"two words", "de", "Datenbankverbindung fehlgeschlagen"},
		{"two words", "ru", "не работает"},
		{"very short", "zh", "服务器登录失败"},
		{"very short", "ja", "ログインできません"},
		{"very short", "en", "help!!"},
		{"kanji alone", "ja", "設定変更後接続不可"},
		{"half-width katakana", "ja", "ﾛｸﾞｲﾝﾃﾞｷﾏｾﾝ"},
		{"full-width Latin", "de", "Ｄｉｅ Ａｎｍｅｌｄｕｎｇ ｆｕｎｋｔｉｏｎｉｅｒｔ ｎｉｃｈｔ"},
		{"decomposed Latin", "vi", norm.NFD.String("Máy chủ không khởi động được")},
		{"jamo", "ko", norm.NFD.String("서버에 접속할 수 없습니다")},
		{"capitals", "fr", "LE SERVEUR NE RÉPOND PLUS DEPUIS HIER"},
		{"Chinese with an English log", "zh", "实例启动失败，日志如下：\nERROR the connection to the server was refused by the peer because it is not ready"},
		{"Korean with terms", "ko", "Kubernetes 클러스터에서 pod가 시작되지 않습니다"},
		{"Korean with a message", "ko", "이미지 풀 실패: Back-off pulling image, failed to pull and unpack image: failed to resolve reference: unexpected status code 401 Unauthorized"},
		{"English about a Chinese name", "en", "The customer 王小明 cannot log in to the console since yesterday, please help"},
		{"Spanish with a Chinese message", "es", "El servidor muestra 连接被拒绝 cuando intento iniciar sesión desde ayer"},
		{"German with an English message", "de", "Fehler beim Start: connection refused, können Sie bitte prüfen, ob der Dienst läuft?"},
		{"German with a stack trace", "de", "Seit dem Update stürzt der Dienst ab.\nException in thread \"main\" java.lang.IllegalStateException: the pool is closed\n\tat com.acme.App.main(App.java:12)\n\tat com.acme.App.run(App.java:40)\nCaused by: java.io.IOException: connection reset by peer"},
		{"English with a German quotation", "en", "Hi, we get the message \"Die Verbindung wurde vom Server getrennt\" when we log in, please help"},
		{"Serbian in Latin letters", "sr", "Gde mogu da vidim ko je obrisao datoteke sa servera?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, confidence := Detect(c.in)
			require.Equal(t, c.want, got, "%.2f %s", confidence, c.in)
			require.Equal(t, got == "und", confidence == 0)
		})
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	tags := Tags()
	require.True(t, slices.IsSorted(tags))
	for _, tag := range strings.Fields("en zh zh-Hant ja ko de fr es pt it nl ru uk pl cs tr ar fa he hi th vi id sv da nb fi el hu ro bg") {
		require.Contains(t, tags, tag)
	}
	require.NotContains(t, tags, "und")
}

// TestWhatIsNoLanguageDoesNotCount: ids, URLs and line ends around a text never change its language.
func TestWhatIsNoLanguageDoesNotCount(t *testing.T) {
	t.Parallel()
	texts := examples(t, "support.txt")
	pieces := []string{"ACS.0013", "https://example.com/the/of/and", "10.0.0.1", "0x80070005", "/var/log/the/of", "user@example.com", "`the of and is`", "i-0abc123.cn-north-4"}
	rapid.Check(t, func(t *rapid.T) {
		e := rapid.SampledFrom(texts).Draw(t, "text")
		want, confidence := Detect(e.text)
		before := rapid.SampledFrom(pieces).Draw(t, "before")
		after := rapid.SampledFrom(pieces).Draw(t, "after")
		got, sure := Detect(before + " " + e.text + " " + after)
		if got != want || sure != confidence {
			t.Fatalf("%s %.3f became %s %.3f: %s", want, confidence, got, sure, e.text)
		}
	})
}

func TestDetectIsRobust(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"\xff\xfe", "`", "```", "http://", strings.Repeat("\u0301", 100), strings.Repeat("a", 10_000), "é", "中", "я", strings.Repeat("中", 10_000)} {
		tag, _ := Detect(s)
		require.NotEmpty(t, tag)
	}
}

func FuzzDetect(f *testing.F) {
	for _, s := range []string{"The server `x` http://a 云服务器", "\xff```", "ﾛｸﾞｲﾝ \"ERROR\" «не»", "İI\u0307\n\tat x", strings.Repeat("ᄀ", 40)} {
		f.Add(s)
	}
	tags := append(Tags(), "und")
	f.Fuzz(func(t *testing.T, s string) {
		tag, confidence := Detect(s)
		if !slices.Contains(tags, tag) || confidence < 0 || confidence > 1 || (tag == "und") != (confidence == 0) {
			t.Fatal(tag, confidence)
		}
	})
}

func BenchmarkDetect(b *testing.B) {
	for _, c := range []struct{ name, in string }{
		{"english", "The server i-0abc123 does not start after the disk was resized and I cannot log in"},
		{"chinese", "云服务器实例启动失败，错误码ＥＣＳ．００１３，请帮忙处理，谢谢，日志已经上传"},
		{"russian", "Сервер не запускается после изменения размера диска и я не могу войти в систему помогите пожалуйста"},
		{"log", "Seit dem Update startet der Dienst nicht.\n2024-05-17 08:33:12 ERROR connection refused by peer\n" + strings.Repeat("\tat com.acme.App.main(App.java:12)\n", 20)},
		{"long", strings.Repeat("The server does not start after the disk was resized. ", 100)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Detect(c.in)
			}
		})
	}
}
