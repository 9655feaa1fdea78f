package text

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

func kept(s string) string {
	var parts []string
	for _, span := range Filed(s) {
		parts = append(parts, s[span.Start:span.End])
	}
	return strings.Join(parts, "\n")
}

func TestFiled(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"nothing to take off", "The disk is full", "The disk is full"},
		{"blank", " \n\t", ""},
		{"greeting", "Hi team,\n\nthe disk is full", "the disk is full"},
		{"greeting in the line", "Hello support, the disk is full.", "the disk is full."},
		{"two greetings", "Hi,\n\nGood morning!\nthe disk is full", "the disk is full"},
		{"a word that begins like a greeting", "History table is empty,\nhigh load", "History table is empty,\nhigh load"},
		{"a greeting that is the matter", "Hello World program, it does not start", "Hello World program, it does not start"},
		{"only a greeting", "Hello!", "Hello!"},
		{"only thanks", "Hi,\nThanks\nBob", "Thanks\nBob"},
		{"English mail", "Dear Support,\n\nOur load balancer drops connections.\n\nBest regards,\nJane Doe\nNetwork Engineer\nTel. 555 0100", "Our load balancer drops connections."},
		{"signature mark", "Snapshots fail with code 17.\n\n-- \nJane Doe\nExample Ltd, Some Street 5", "Snapshots fail with code 17."},
		{"telephone", "The console is blank\n\nSent from my iPhone", "The console is blank"},
		{"disclaimer", "The console is blank since noon\n\nKind regards\nBob\n\nThis e-mail is confidential and may be privileged.\nIf you are not the recipient delete it.", "The console is blank since noon"},
		{"answer", "It still fails after the restart, same error.\n\nOn Tue, 3 Mar 2026 at 10:12, Support <help@example.org> wrote:\n> Please restart it.\n> Then try again.", "It still fails after the restart, same error."},
		{"answers in between", "On Tue, 3 Mar 2026, Support <help@example.org> wrote:\n> Which version?\nVersion 4.2 of the client\n> Which system?\n> Which region?\nDebian in region north", "Version 4.2 of the client\nDebian in region north"},
		{"Outlook", "The quota is still 20, please raise it to 50.\n\n-----Original Message-----\nFrom: Support\nSent: Monday\nTo: Jane\nSubject: quota\n\nYour quota was raised.", "The quota is still 20, please raise it to 50."},
		{"Outlook without dashes", "The quota is still 20, please raise it to 50.\n\nFrom: Support <help@example.org>\nSent: Monday, 2 March 2026\nTo: Jane\nSubject: quota\n\nYour quota was raised.", "The quota is still 20, please raise it to 50."},
		{"forwarded", "FYI, please see below.\n\n-----Original Message-----\nFrom: Customer\nSent: Monday\nTo: Jane\nSubject: down\n\nThe server is down.", "FYI, please see below.\n\n-----Original Message-----\nFrom: Customer\nSent: Monday\nTo: Jane\nSubject: down\n\nThe server is down."},
		{"forwarded without a word", "From: Customer\nSent: Monday\nTo: Jane\nSubject: down\n\nThe server is down.", "From: Customer\nSent: Monday\nTo: Jane\nSubject: down\n\nThe server is down."},
		{"forwarded with a comment", "One of our customers wrote this to us this morning, can you help?\n\n---------- Forwarded message ---------\nFrom: Customer\nDate: Monday\nTo: Jane\nSubject: down\n\nThe server is down.", "One of our customers wrote this to us this morning, can you help?\n\n---------- Forwarded message ---------\nFrom: Customer\nDate: Monday\nTo: Jane\nSubject: down\n\nThe server is down."},
		{"head of a mail server", "Mails to this address bounce, these are the headers:\n\nFrom: a@example.org\nReceived: by mx\nDate: today\nTo: b@example.org\nSubject: x", "Mails to this address bounce, these are the headers:\n\nFrom: a@example.org\nReceived: by mx\nDate: today\nTo: b@example.org\nSubject: x"},
		{"log", "it fails:\n2026-03-02 10:00:01 ERROR worker wrote: 5 rows\n2026-03-02 10:00:02 INFO from: a to: b", "it fails:\n2026-03-02 10:00:01 ERROR worker wrote: 5 rows\n2026-03-02 10:00:02 INFO from: a to: b"},
		{"console", "this fails:\n> x <- c(1, 2)\n> mean(x)\n>>> print(1)", "this fails:\n> x <- c(1, 2)\n> mean(x)\n>>> print(1)"},
		{"table", "a | b\n--|--\n1 | 2\n--\n3 | 4 and a query SELECT 1;\n" + strings.Repeat("row\n", 20), "a | b\n--|--\n1 | 2\n--\n3 | 4 and a query SELECT 1;\n" + strings.TrimSpace(strings.Repeat("row\n", 20))},
		{"thanks in the middle", "Thanks\nbut it fails again with code 17, can you tell me why that is so?", "Thanks\nbut it fails again with code 17, can you tell me why that is so?"},
		{"Chinese", "您好，\n我的云服务器无法启动，提示错误码 17。\n\n谢谢！\n张三\n某某公司", "我的云服务器无法启动，提示错误码 17。"},
		{"Chinese in the line", "你好，云服务器无法启动", "云服务器无法启动"},
		{"Chinese answer", "重启以后问题依旧，仍然报同样的错误。\n\n在 2026年3月3日，客服 <help@example.org> 写道：\n> 请重启", "重启以后问题依旧，仍然报同样的错误。"},
		{"signature before a quoted mail", "It still fails after the restart.\n\nRegards\nJane\n\nOn 3 Mar 2026, a@b wrote:\n> Restart it?\n> Then try", "It still fails after the restart."},
		{"Chinese Outlook", "重启以后问题依旧，仍然报同样的错误。\n\n发件人：客服\n发送时间：2026年3月3日\n收件人：张三\n主题：回复\n\n请重启", "重启以后问题依旧，仍然报同样的错误。"},
		{"Traditional Chinese", "您好：\n備份作業昨晚失敗，請協助確認原因。\n\n敬上\n王小明", "備份作業昨晚失敗，請協助確認原因。"},
		{"Japanese", "お世話になっております。\n株式会社例の山田です。サーバーに接続できません。\n\n以上、よろしくお願いいたします。\n山田", "株式会社例の山田です。サーバーに接続できません。"},
		{"Japanese Outlook", "再起動しても同じエラーが出ます。確認してください。\n\n差出人: サポート\n送信日時: 2026年3月3日\n宛先: 山田\n件名: Re: 接続\n\n再起動してください", "再起動しても同じエラーが出ます。確認してください。"},
		{"Korean", "안녕하세요.\n서버에 접속이 되지 않습니다.\n\n감사합니다.\n홍길동 드림", "서버에 접속이 되지 않습니다."},
		{"Korean Outlook", "재시작해도 같은 오류가 발생합니다. 확인 바랍니다.\n\n보낸 사람: 지원팀\n보낸 날짜: 2026년 3월 3일\n받는 사람: 홍길동\n제목: 접속\n\n재시작하세요", "재시작해도 같은 오류가 발생합니다. 확인 바랍니다."},
		{"German", "Sehr geehrte Damen und Herren,\n\nder Server startet nicht mehr.\n\nMit freundlichen Grüßen\nErika Mustermann", "der Server startet nicht mehr."},
		{"German answer", "Der Fehler tritt weiterhin auf, auch nach dem Neustart.\n\nAm 03.03.2026 um 10:12 schrieb Support <help@example.org>:\n> Bitte neu starten", "Der Fehler tritt weiterhin auf, auch nach dem Neustart.\n\nAm 03.03.2026 um 10:12 schrieb Support <help@example.org>:\n> Bitte neu starten"},
		{"French", "Bonjour,\n\nle serveur ne démarre plus.\n\nCordialement,\nJean Dupont", "le serveur ne démarre plus."},
		{"French answer", "Le problème persiste après le redémarrage du serveur.\n\nLe 3 mars 2026 à 10:12, Support <help@example.org> a écrit :\n> Redémarrez", "Le problème persiste après le redémarrage du serveur."},
		{"Spanish", "Buenos días,\nel servidor no arranca.\nSaludos\nJuan", "el servidor no arranca."},
		{"Portuguese", "Olá,\no servidor não inicia.\nAtenciosamente,\nJoão", "o servidor não inicia."},
		{"Italian", "Buongiorno,\nil server non parte.\nCordiali saluti\nMario", "il server non parte."},
		{"Dutch", "Beste support,\nde server start niet.\nMet vriendelijke groet,\nJan", "de server start niet."},
		{"Russian", "Здравствуйте!\nСервер не запускается.\n\nС уважением,\nИван", "Сервер не запускается."},
		{"Polish", "Dzień dobry,\nserwer nie startuje.\nPozdrawiam\nJan", "serwer nie startuje."},
		{"Turkish", "Merhaba,\nsunucu açılmıyor.\nSaygılarımla\nAli", "sunucu açılmıyor."},
		{"Vietnamese", "Xin chào,\nmáy chủ không khởi động.\nTrân trọng", "máy chủ không khởi động."},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, kept(c.in)) })
	}
}

func TestFrameWordsAreFolded(t *testing.T) {
	lists := [][]string{forwards, attributions, originals, mobiles, closings, greetings, addressees, introducers}
	for _, names := range headerNames {
		lists = append(lists, names)
	}
	for _, d := range disclaimers {
		lists = append(lists, d[:])
	}
	for _, list := range lists {
		for _, w := range list {
			require.Equal(t, Fold(w), w)
		}
	}
}

func checkFiled(t require.TestingT, s string) {
	last, spans := 0, Filed(s)
	for _, span := range spans {
		require.GreaterOrEqual(t, span.Start, last)
		require.Less(t, span.Start, span.End)
		require.LessOrEqual(t, span.End, len(s))
		if utf8.ValidString(s) {
			require.True(t, utf8.ValidString(s[span.Start:span.End]))
		}
		last = span.End
	}
	require.Equal(t, strings.TrimSpace(s) == "", len(spans) == 0, "all or something stays")
	if len(spans) == 1 { // without holes
		part := s[spans[0].Start:spans[0].End]
		if len(part) < len(s) {
			require.Equal(t, []prediag.Span{{Start: 0, End: len(part)}}, Filed(part), "%q", part)
		}
	}
}

func TestFiledProperties(t *testing.T) {
	parts := []string{
		"Hi team,", "Hello", "您好，", "the disk is full and nothing can be written to it", "服务器无法启动，提示错误码", "Best regards,", "Jane", "-- ", "谢谢", "\n", "\n", "\n\n", " ", "\r\n",
		"> quoted", "> more (code);", "On 3 Mar 2026, a@b wrote:", "-----Original Message-----", "--- Forwarded message ---", "From: a", "Sent: b", "To: c", "Subject: d", "Sent from my iPhone", "see below",
		"This e-mail is confidential", "お世話になっております。", "감사합니다", "\xff", "\u3000", "ERROR x=1",
	}
	rapid.Check(t, func(t *rapid.T) {
		checkFiled(t, strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 25).Draw(t, "parts"), ""))
	})
}

func FuzzFiled(f *testing.F) {
	f.Add("Hi,\n\nx fails\n\nThanks\nBob\n\nOn 1 May, a@b wrote:\n> y")
	f.Add("您好\n\xff\n-- \n")
	f.Fuzz(func(t *testing.T, s string) { checkFiled(t, s) })
}

func BenchmarkFiled(b *testing.B) {
	long := strings.Repeat("2026-03-02 10:00:01 ERROR worker failed to connect to 10.0.0.1:5432: timeout\n", 400)
	for _, c := range []struct{ name, text string }{
		{"question", "how do I resize the disk of my server?"},
		{"mail", "Dear Support,\n\nOur load balancer drops connections.\n\nBest regards,\nJane Doe\n\nOn Tue, 3 Mar 2026, a@b wrote:\n> x"},
		{"log of 30 KB", "Hi,\nsee the log\n" + long},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			var dst []prediag.Span
			for b.Loop() {
				dst = AppendFiled(dst[:0], c.text)
			}
		})
	}
}
