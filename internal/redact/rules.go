package redact

import (
	"regexp"
	"slices"
)

// rules in the order of their claim on a text that several match.
var rules = slices.Concat(secretRules, personalRules)

// value is what a password or key looks like after its name: quoted, or up to white space or a separator.
const value = `(?:\\?"([^"\n\\]{3,})|\\?'([^'\n\\]{3,})|` + "`" + `([^` + "`" + `\n]{3,})|([^\s"'` + "`" + `,;&<>，。；、（）\\]{3,}))`

// secretRules find secrets by their own shape or by the name before them.
var secretRules = []rule{
	{Secret, after("-----begin "), regexp.MustCompile(
		`-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----(?:[A-Za-z0-9+/=\s\\:,.]|-[^-])*(?:-----END [A-Z0-9 ]*-----)?`), nil},
	{Secret, near("eyj"), regexp.MustCompile(`\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)*`), nil},
	{Secret, near("://"), regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@"'<>]*:([^\s@"'<>]+)@`), isValue},
	{Secret, near("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat", "gldt-", "glrt-", "glsa_", "glptt-", "xoxa-", "xoxb-",
		"xoxe-", "xoxp-", "xoxr-", "xoxs-", "sk-", "akia", "asia", "a3t0", "aiza", "ya29.", "npm_", "pypi-", "dckr_pat_", "dop_v1", "doo_v1",
		"dor_v1", "hvs.", "hvb.", "sk_live", "sk_test", "rk_live", "rk_test", "shpat_", "shpca_", "shppa_", "shpss_", "sgp_", "sq0", "nrak-",
		"nraa-", "nrii-", "nrra-", "nrjs-", "nriq-", "nral", "dapi", "tvly-", "sg.", "age-secret", "ltai", "akid", "dp.", "hawk.", "px-dep",
		"px-api", "akcp", "live_", "00d"),
		regexp.MustCompile(`\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{20,}|gl(?:pat|dt|rt|sa|ptt)[-_][\w-]{16,}` +
			`|xox[abeprs]-[\w-]{10,}|sk-[A-Za-z0-9_-]{20,}|A(?:KIA|SIA|3T0)[A-Z0-9]{16}|AIza[\w-]{30,}|ya29\.[\w-]{20,}` +
			`|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{20,}|dckr_pat_[\w-]{16,}|do[opr]_v1_[a-f0-9]{32,}|hv[sb]\.[\w-]{20,}` +
			`|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{24,}|sgp_\w{20,}|sq0[a-z]{3}-[\w-]{20,}` +
			`|NR(?:AK|AA|II|RA|JS|IQ)-[\w-]{20,}|[0-9a-f]{32,40}NRAL|dapi[a-f0-9]{32}|tvly-[A-Za-z0-9]{20,}` +
			`|SG\.[\w-]{16,}\.[\w-]{16,}|AGE-SECRET-KEY-1[A-Z0-9]{40,}|LTAI[A-Za-z0-9]{12,26}|AKID[A-Za-z0-9]{13,40}` +
			`|dp\.(?:ct|pt|st|sa|scim|audit)\.(?:[\w-]+\.)?[A-Za-z0-9]{30,}|hawk\.\w{16,}\.\w{16,}|px-(?:dep|api)-[0-9a-f-]{36}` +
			`|AKCp[A-Za-z0-9]{40,}|live_[0-9]{6,}_[A-Za-z0-9]{30}|00D[A-Za-z0-9]{12,15}![\w.]{40,})`), nil},
	{Secret, near("$1$", "$2", "$5$", "$6$", "$y$", "$argon2"), regexp.MustCompile(`\$(?:1|2[abxy]|5|6|y|argon2id?)\$[\w./$,=+-]{20,}`), nil},
	{Secret, near("bearer", "basic"), regexp.MustCompile(`(?i)\b(?:bearer|basic)\s*:?\s+([\w.~+/=:-]{12,})`), isKey},
	{Secret, near("authorization"), regexp.MustCompile(`(?i)\bauthorization["']?\s*[:=]\s*["']?(?:[A-Za-z0-9-]+ )?([^\s"'，。]{12,})`), isKey},
	{Secret, near("cookie", "session", "sessid"), regexp.MustCompile(`(?i)(?:\bcookie\s*:[ \t]*([^\n"']{8,})|(?:sess(?:ion)?_?id|session_?token)["']?\s*[:=]\s*["']?([\w%.+/=-]{12,}))`), nil},
	{Secret, near("http", "&", "?"), regexp.MustCompile(`(?i)[?&](?:x-(?:amz|obs|oss)-)?(?:signature|sig|credential|(?:aws|oss|obs)?access_?key_?id|(?:access_?|auth_?|security-?)?token|key|secret|password|pwd|client_secret|api_?key)=([^&\s"'<>]{6,})`), nil},
	{Secret, near("hooks.slack", "webhook", "bot/v2/hook"), regexp.MustCompile(`(?i)(?:hooks\.slack\.com/services|outlook\.office\.com/webhook|webhook\.office\.com/webhookb2|/bot/v2/hook)/([^\s"'<>)` + "`" + `\]]{16,})`), nil},
	{Secret, near("pass", "pwd", "secret", "token", "credential"), regexp.MustCompile(
		`(?i)(?:pass(?:word|wd|phrase|wort|code)?|pwd|secret|token|credentials?)[\w.-]{0,30}\\?["'\]]{0,2}\s{0,20}(?:=>|:=|==|[:=])\s{0,20}` + value), isValue},
	{Secret, near("key", "auth"), regexp.MustCompile(
		`(?i)(?:key(?:[_-]?(?:id|data|b64|base64))?|\bauth)\\?["'\]]{0,2}\s{0,20}(?:=>|:=|[:=])\s{0,20}` + value), isKeyValue},
	{Secret, near(passwordWords...), regexp.MustCompile(
		`(?i)(?:密码|密碼|口令|パスワード|비밀번호|пароль|contraseña|mot de passe|senha|kennwort|passwor[dt]|passwd|\bpwd)(?:[ \t]*(?:\(|是|为|為|改成|改为|设为|设置为|重置为|は|is|was|ist|est|es|to|:|=))*[ \t]*(?:["'“「]([^"'”」\n]{4,})|([^\s"'，。；、：:=,;“”「」（）()]{6,}))`), isPassword},
	{Secret, near("账号", "账户", "帐号", "用户", "user", "login", "account"), regexp.MustCompile(
		`(?i)(?:账号|账户|帐号|用户名?|\buser(?:name)?|\blogin|\baccount)[ \t:=是为]*[\w.@-]{2,40}[ \t]*/[ \t]*([^\s"'，。；、,;]{6,})`), isPassword},
	{Secret, near(" -p", "\n-p", "\n-u ", "--pass", " -a ", " -u ", "-p'", "-p\""), regexp.MustCompile(
		`(?:\s|^)(?:--?pass(?:word|wd)?[= ]|-p ?|-a )(?:'([^'\n]{4,})'|"([^"\n]{4,})"|([^\s"'-][^\s"']{5,}))|(?:^|\s)-u\s+[^\s:]+:([^\s"']{6,})`), isOption},
	{Secret, near("psexec", "sshpass", "mysql", "docker login", "redis-cli"), regexp.MustCompile(
		`(?i)\b(?:psexec|sshpass|mysql(?:dump|admin)?|docker login|redis-cli)\b[^\n]*?\s(?-i:-[pa]) ?([^\s"'%-][^\s"']{3,})`), isValue},
	{Secret, longRuns, regexp.MustCompile(`[A-Za-z0-9/+]{16,}={0,2}`), isAnnouncedKey},
}

// passwordWords announce passwords in running text.
var passwordWords = []string{"密码", "密碼", "口令", "パスワード", "비밀번호", "пароль", "contraseña", "mot de passe", "senha",
	"kennwort", "password", "passwort", "passwd", "pwd"}

// number is a run of digits in groups. The checks decide what it is.
const number = `\d(?:[ -]?\d)`

// personalRules find personal data.
var personalRules = []rule{
	{Email, near("@"), regexp.MustCompile(`[A-Za-z0-9._%+-]+@(?:[A-Za-z0-9-]+\.){1,8}[A-Za-z]{2,24}`), isEmail},
	{IBAN, accounts, regexp.MustCompile(`\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b`), isIBAN},
	{ID, numbers(17, 0), regexp.MustCompile(`\d{6} ?\d{8} ?\d{3}[\dXx]`), isResidentID},
	{Card, numbers(15, 0), regexp.MustCompile(number + `{14,18}`), isCard},
	{ID, numbers(9, '-'), regexp.MustCompile(`\d{3}-\d{2}-\d{4}`), isSSN},
	{Phone, numbers(11, 0), regexp.MustCompile(`(?:\(?(?:\+|00)?86\)?[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}`), standsAlone},
	{Phone, numbers(10, '0'), regexp.MustCompile(`\(?0\d{2,3}\)?[ -]\d{7,8}(?:-\d{1,6})?`), standsAlone},
	{Phone, numbers(7, '+'), regexp.MustCompile(`\+\d{1,3}(?:[ .-]?\(?\d{1,5}\)?){2,6}(?:x\d{1,6})?`), isPhone},
	{Phone, withDigits(7, near(phoneWords...)), regexp.MustCompile(`(?i)(?:\b(?:phone|tel|telephone|telefon|téléphone|teléfono|telefone|mobile|mobil|cell|fax|desk|whatsapp|hotline|call (?:me|us)|reach (?:me|us))(?: (?:at|on|number|no\.?|nr\.?|is))*|телефон|电话|電話|座机|手机|手機|联系方式|전화(?:번호)?)[^\w\n+(]{0,6}(?:号码?|是|为)?[:： ]*([+(]?\d[\d ().-]{5,22}\d(?:x\d{1,6})?)`), isPhone},
	{Phone, withDigits(7, near(" office", " mobile", " fax", " home", " cell")), regexp.MustCompile(`(?i)([+(]?\d[\d ().-]{5,22}\d(?:x\d{1,6})?) (?:office|mobile|fax|home|cell)\b`), isPhone},
	{Passport, withDigits(7, near("护照", "passport", "護照")), regexp.MustCompile(`(?i)(?:护照|護照|passport)[号碼码编no.#:： 是为is]{0,12}([A-Z]{1,2}\d{7,8})\b`), nil},
	{WeChat, near("微信", "wechat"), regexp.MustCompile(`(?i)(?:微信|wechat)(?:号|id)?[:： 是为]{0,4}([A-Za-z][\w-]{5,19})\b`), isHandle},
	{Plate, near(plateWords...), regexp.MustCompile(`[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][·. ]?[A-HJ-NP-Z0-9]{5,6}\b`), isPlate},
	{Name, near("联系人", "姓名", "收件人"), regexp.MustCompile(`(?:联系人|姓名|收件人)[:： 是为]{0,3}(\p{Han}{2,4})(?:[，,。；;：:（( \t\n]|$)`), isName},
}

var phoneWords = []string{"phone", "tel", "téléphone", "teléfono", "mobil", "cell", "fax", "desk", "whatsapp", "hotline", "call me",
	"call us", "reach me", "reach us", "телефон", "电话", "電話", "座机", "手机", "手機", "联系方式", "전화"}

var plateWords = []string{"车牌", "车辆", "牌照", "开车", "停车"}
