package lang

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"prediag/internal/text"
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
	for _, c := range []struct{ want, in string }{
		{"und", ""},
		{"und", "ACS.0013"},
		{"und", "12033 10.0.0.1 ALM-12033"},
		{"und", "https://example.com/the/of/and/is"},
		{"en", "The server does not start after the disk was resized, please help."},
		{"en", "We cannot log in to the console since this morning"},
		{"zh", "云服务器启动失败，请帮忙处理一下"},
		{"zh", "实例启动失败，日志如下：\nERROR the connection to the server was refused by the peer because it is not ready"},
		{"zh-Hant", "雲端伺服器無法啟動，請協助處理這個問題"},
		{"ja", "サーバーが起動しません。エラーコードを確認してください"},
		{"ja", "設定変更後接続不可"},
		{"ko", "서버에 접속할 수 없습니다"},
		{"ko", "Kubernetes 클러스터에서 pod가 시작되지 않습니다"},
		{"de", "Der Server startet nach dem Neustart nicht mehr und ich kann mich nicht anmelden"},
		{"de", "Fehler beim Start: connection refused, können Sie bitte prüfen, ob der Dienst läuft?"},
		{"fr", "Le serveur ne démarre plus depuis que nous avons changé le disque"},
		{"fr", "Impossible de se connecter à la console, le mot de passe est refusé"},
		{"es", "No puedo conectarme al servidor desde ayer y la factura no es correcta"},
		{"pt", "Não consigo acessar o servidor desde ontem e a fatura está errada"},
		{"it", "Non riesco a collegarmi al server da ieri e la fattura non è corretta"},
		{"nl", "Ik kan sinds gisteren niet meer inloggen op de server en de factuur klopt niet"},
		{"ru", "Сервер не запускается после изменения размера диска, помогите пожалуйста"},
		{"uk", "Сервер не запускається після зміни розміру диска, допоможіть будь ласка"},
		{"bg", "Сървърът не се стартира след промяна на размера на диска"},
		{"sr", "Сервер се не покреће након промене величине диска и не могу да приступим"},
		{"ar", "لا يمكنني الاتصال بالخادم منذ أمس والفاتورة غير صحيحة"},
		{"fa", "سرور پس از تغییر اندازه دیسک روشن نمی شود لطفا کمک کنید"},
		{"ur", "سرور ڈسک تبدیل کرنے کے بعد شروع نہیں ہو رہا ہے"},
		{"th", "เซิร์ฟเวอร์ไม่สามารถเริ่มทำงานได้"},
		{"vi", "Máy chủ không khởi động được sau khi thay đổi kích thước ổ đĩa"},
		{"id", "Server tidak bisa dijalankan setelah ukuran disk diubah, mohon bantuan"},
		{"tr", "Sunucu disk boyutu değiştirildikten sonra başlamıyor, lütfen yardım edin"},
		{"hi", "डिस्क का आकार बदलने के बाद सर्वर शुरू नहीं हो रहा है"},
		{"mr", "डिस्कचा आकार बदलल्यानंतर सर्व्हर सुरू होत नाही आणि मी लॉगिन करू शकत नाही"},
		{"pl", "Serwer nie uruchamia się po zmianie rozmiaru dysku, proszę o pomoc"},
		{"cs", "Server se po změně velikosti disku nespustí, prosím o pomoc"},
		{"sv", "Servern startar inte efter att vi har ändrat storleken på disken"},
		{"el", "Ο διακομιστής δεν ξεκινά"},
		{"he", "השרת לא עולה אחרי השינוי"},
	} {
		t.Run(c.want, func(t *testing.T) {
			t.Parallel()
			got, confidence := Detect(c.in)
			require.Equal(t, c.want, got, c.in)
			require.Equal(t, got == "und", confidence == 0)
			require.LessOrEqual(t, confidence, 1.0)
		})
	}
}

func TestDetectIsRobust(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"\xff\xfe", "`", "```", "http://", strings.Repeat("\u0301", 100), strings.Repeat("a", 10_000), "é", "中", "я"} {
		tag, _ := Detect(s)
		require.NotEmpty(t, tag)
	}
}

func FuzzDetect(f *testing.F) {
	f.Add("The server `x` http://a 云服务器")
	f.Add("\xff```")
	f.Fuzz(func(t *testing.T, s string) {
		tag, confidence := Detect(s)
		if tag == "" || confidence < 0 || confidence > 1 {
			t.Fatal(tag, confidence)
		}
	})
}

// floors of the share of right answers on first sentences of real articles.
var floors = map[string]float64{
	"en": 0.95, "zh": 0.95, "zh-Hant": 0.95, "ja": 0.95, "ko": 0.95, "de": 0.95, "fr": 0.95, "es": 0.95, "pt": 0.95,
	"it": 0.95, "ru": 0.95, "uk": 0.95, "th": 0.95, "vi": 0.95, "tr": 0.95, "hi": 0.95,
}

func TestDetectOnRealArticles(t *testing.T) {
	t.Parallel()
	file, err := os.Open(filepath.Join("..", "..", "..", "shared", "data", "kb", "multilingual", "articles.jsonl.gz"))
	if err != nil {
		t.Skip("no corpus here")
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	require.NoError(t, err)
	right, total := map[string]int{}, map[string]int{}
	lines := bufio.NewScanner(unzipped)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var a struct{ Body, Lang string }
		require.NoError(t, json.Unmarshal(lines.Bytes(), &a))
		want := map[string]string{"zh-cn": "zh", "zh-tw": "zh-Hant", "pt-br": "pt"}[a.Lang]
		if want == "" {
			want = a.Lang
		}
		sentence := firstSentence(a.Body, want)
		if sentence == "" {
			continue
		}
		total[want]++
		got, _ := Detect(sentence)
		if got == want {
			right[want]++
		} else if testing.Verbose() {
			t.Logf("%s taken for %s: %.150s", want, got, sentence)
		}
	}
	require.NoError(t, lines.Err())
	checkFloors(t, right, total)
}

// firstSentence returns the first plain sentence of at least six words (or eighteen characters without spaces): no
// usage lines of commands, no quoted messages, and in languages of another script not the English that pages hold
// which were never translated.
func firstSentence(body, tag string) string {
	for _, span := range text.Sentences(body) {
		s := body[span.Start:span.End]
		words := len(strings.Fields(s))
		switch tag {
		case "zh", "zh-Hant", "ja", "th":
			words = len([]rune(s)) / 3
		}
		if words >= 6 && !strings.ContainsAny(s, "[]\"") && !strings.Contains(s, "--") && plainFor(tag, s) {
			return s
		}
	}
	return ""
}

func plainFor(tag, s string) bool {
	switch tag {
	case "zh", "zh-Hant", "ja", "ko", "ru", "uk", "el", "he", "th", "hi", "bn", "ta", "si", "ur":
		return strings.IndexFunc(s, isForeign) >= 0
	}
	return true
}

func isForeign(r rune) bool { return r > 0x24f && unicode.IsLetter(r) }

func checkFloors(t *testing.T, right, total map[string]int) {
	t.Helper()
	var tags []string
	for tag := range total {
		tags = append(tags, tag)
	}
	sort.Strings(tags)
	for _, tag := range tags {
		share := float64(right[tag]) / float64(total[tag])
		t.Logf("%-8s %4d of %4d = %.3f", tag, right[tag], total[tag], share)
		require.GreaterOrEqual(t, share, floors[tag], tag)
	}
}

func BenchmarkDetect(b *testing.B) {
	for _, c := range []struct{ name, in string }{
		{"english", "The server i-0abc123 does not start after the disk was resized and I cannot log in"},
		{"chinese", "云服务器实例启动失败，错误码ＥＣＳ．００１３，请帮忙处理，谢谢，日志已经上传"},
		{"russian", "Сервер не запускается после изменения размера диска и я не могу войти в систему помогите пожалуйста"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Detect(c.in)
			}
		})
	}
}

func TestShortTechnicalLatinIsEnglish(t *testing.T) {
	for text, want := range map[string]string{
		"Load balancer gives 502 bad gateway": "en",
		"ssh permission denied publickey":     "en",
		"Pod OOMKilled":                       "und", // one word and a name
		"Load balancer returns 503":           "en",
		"Datenbankverbindung fehlgeschlagen":  "de",
		"Impossibile connettersi al database": "und",
		"Não consigo conectar":                "pt",
	} {
		got, _ := Detect(text)
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
