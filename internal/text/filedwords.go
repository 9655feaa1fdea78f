package text

// The lists below are folded (see Fold). They hold what mail programs write by themselves, and phrases that stand alone on
// a line of a mail and say nothing about a ticket.

// attributions end the line before a quoted mail.
var attributions = []string{
	" wrote:", " writes:", "写道:", "寫道:", "写到:", "のメール:", "書きました:", "さんからのメッセージ:", "님이 작성:", "작성:", "님의 메시지:", " schrieb:", "a écrit :", "a écrit:",
	" escribió:", " escreveu:", " ha scritto:", " schreef:", " het volgende geschreven:", " написал:", " написал(а):", " написала:", " пишет:",
	" napisał:", " napisał(a):", " napisała:", " yazdi:", " şunlari yazdi:", " كتب:", " đã viết:", " เขียนว่า:", " menulis:", " ने लिखा:", " skrev:", " kirjoitti:",
}

// originals stand between dashes before a quoted mail.
var originals = []string{
	"original message", "original mail", "original e-mail", "原始邮件", "原始郵件", "原邮件", "元のメッセージ", "original メッセージ", "원본 메시지", "원본 메일", "원본메일",
	"ursprüngliche nachricht", "originalnachricht", "message d'origine", "message original", "mensaje original", "mensagem original",
	"messaggio originale", "oorspronkelijk bericht", "исходное сообщение", "пересылаемое сообщение ответа", "wiadomość oryginalna", "oryginalna wiadomość",
	"orijinal ileti", "özgün ileti", "الرسالة الأصلية", "thư gốc", "pesan asli", "ข้อความต้นฉบับ",
}

// forwards stand before a mail that is the message, between dashes or alone with a colon.
var forwards = []string{
	"forwarded message", "begin forwarded message", "forwarded by", "转发邮件信息", "转发的邮件", "转发邮件", "轉寄郵件", "轉寄的郵件", "転送メッセージ", "転送されたメッセージ", "전달된 메시지", "전달된 메일", "weitergeleitete nachricht",
	"anfang der weitergeleiteten nachricht", "message transféré", "début du message transféré", "message réexpédié", "mensaje reenviado", "inicio del mensaje reenviado", "mensagem encaminhada", "mensagem reencaminhada", "messaggio inoltrato",
	"inizio messaggio inoltrato", "doorgestuurd bericht", "begin doorgestuurd bericht", "пересланное сообщение", "пересылаемое сообщение", "wiadomość przekazana", "przekazana wiadomość", "iletilen ileti", "yönlendirilen mesaj", "رسالة معاد توجيهها",
	"thư chuyển tiếp", "pesan terusan", "pesan yang diteruskan", "ข้อความที่ส่งต่อ",
}

// headerNames are the fields of the head of a quoted mail: sender, time, recipients, subject.
var headerNames = [4][]string{
	{"from", "发件人", "發件人", "寄件者", "寄件人", "差出人", "送信者", "보낸 사람", "보낸사람", "발신", "von", "de", "da", "van", "от", "od", "kimden", "من", "từ", "dari", "จาก", "प्रेषक"},
	{"sent", "date", "发送时间", "傳送時間", "寄件日期", "日期", "时间", "送信日時", "日時", "日付", "보낸 날짜", "날짜", "보낸시간", "gesendet", "datum", "envoyé", "date d'envoi", "enviado", "enviado el", "fecha", "data", "enviada em",
		"enviado em", "inviato", "verzonden", "отправлено", "дата", "wysłano", "gönderildi", "gönderilme tarihi", "tarih", "تاريخ", "تم الإرسال", "ngày", "tanggal", "dikirim", "วันที่", "दिनांक"},
	{"to", "cc", "bcc", "收件人", "抄送", "收件者", "副本", "宛先", "받는 사람", "받는사람", "수신", "참조", "an", "kopie", "à", "para", "a", "aan", "кому", "копия", "do", "dw", "kime", "bilgi", "إلى", "đến", "kepada", "ถึง", "प्रति"},
	{"subject", "主题", "主旨", "主題", "标题", "件名", "제목", "betreff", "objet", "asunto", "assunto", "oggetto", "onderwerp", "тема", "temat", "konu", "الموضوع", "chủ đề", "subjek", "perihal", "เรื่อง", "विषय"},
}

// mobiles begin the line that a telephone or a program puts under a mail.
var mobiles = []string{
	"sent from my ", "sent from mail for ", "sent from outlook", "sent via ", "get outlook for ", "sent from yahoo", "发自我的", "發自我的", "從我的", "从我的", "获取outlook", "iphoneから送信",
	"androidから送信", "ipadから送信", "나의 iphone에서 보냄", "내 iphone에서 보냄", "iphone에서 보냄", "von meinem ", "gesendet von meinem ", "gesendet von mail", "envoyé de mon ", "envoyé depuis mon ", "envoyé à partir de ",
	"enviado desde mi ", "enviado do meu ", "enviado de mi ", "inviato da iphone", "inviato dal mio ", "verzonden vanaf mijn ", "verstuurd vanaf mijn ", "отправлено с ", "wysłane z ",
	"iphone'umdan gönderildi", "أرسلت من ", "đã gửi từ ", "dikirim dari ", "ส่งจาก",
}

// closings are lines with which mails end.
var closings = []string{
	"best regards", "kind regards", "regards", "warm regards", "with best regards", "with kind regards", "best wishes", "best", "yours sincerely", "sincerely", "sincerely yours", "yours faithfully",
	"yours truly", "respectfully", "cheers", "many thanks", "thanks", "thank you", "thanks a lot", "thank you very much", "thanks in advance", "thank you in advance", "thanks and regards", "thanks & regards",
	"thanks and best regards", "thx", "br", "rgds", "thank you and best regards", "looking forward to your reply", "thank you for your help", "thanks for your help",
	"此致", "敬礼", "敬禮", "此致 敬礼", "此致敬礼", "祝好", "谢谢", "謝謝", "多谢", "感谢", "非常感谢", "谢谢!", "祝工作顺利", "顺祝商祺", "顺颂商祺", "祝商祺", "敬上", "謝謝您", "谢谢您", "祝 商祺", "敬祝商祺", "麻烦了,谢谢", "以上,谢谢", "以上",
	"よろしくお願いします", "よろしくお願いいたします", "よろしくお願い致します", "宜しくお願いします", "宜しくお願いいたします", "宜しくお願い致します", "以上、よろしくお願いいたします", "以上、よろしくお願いします",
	"以上、宜しくお願いいたします", "以上、宜しくお願い致します", "どうぞよろしくお願いいたします", "何卒よろしくお願いいたします", "何卒よろしくお願い申し上げます", "よろしくお願い申し上げます", "ありがとうございます", "敬具", "草々",
	"お手数ですがよろしくお願いいたします", "お手数をおかけしますが、よろしくお願いいたします",
	"감사합니다", "고맙습니다", "수고하세요", "수고하십시오", "감사드립니다", "드림", "안녕히 계세요", "잘 부탁드립니다", "부탁드립니다", "그럼 수고하세요", "미리 감사드립니다",
	"mit freundlichen grüssen", "mit freundlichem gruss", "freundliche grüsse", "viele grüsse", "liebe grüsse", "beste grüsse", "schöne grüsse", "herzliche grüsse", "mfg", "vg", "lg", "danke", "vielen dank", "danke im voraus",
	"vielen dank im voraus", "hochachtungsvoll", "besten dank", "danke und gruss", "gruss", "grüsse",
	"cordialement", "bien cordialement", "très cordialement", "bien à vous", "sincères salutations", "meilleures salutations", "salutations", "merci", "merci d'avance", "merci beaucoup", "cdlt", "respectueusement", "bonne journée",
	"saludos", "saludos cordiales", "un saludo", "un cordial saludo", "atentamente", "cordialmente", "gracias", "muchas gracias", "gracias de antemano", "reciba un cordial saludo", "quedo a la espera",
	"atenciosamente", "att", "abraços", "cumprimentos", "com os melhores cumprimentos", "melhores cumprimentos", "obrigado", "obrigada", "muito obrigado", "grato", "desde já agradeço", "saudações",
	"cordiali saluti", "distinti saluti", "saluti", "un saluto", "grazie", "grazie mille", "grazie in anticipo", "buona giornata",
	"met vriendelijke groet", "met vriendelijke groeten", "vriendelijke groet", "vriendelijke groeten", "groet", "groeten", "mvg", "bedankt", "bedankt alvast", "alvast bedankt", "dank u wel", "hoogachtend",
	"с уважением", "с наилучшими пожеланиями", "спасибо", "заранее спасибо", "благодарю", "всего доброго", "большое спасибо",
	"pozdrawiam", "z poważaniem", "z wyrazami szacunku", "dziękuję", "z góry dziękuję", "serdecznie pozdrawiam", "dzięki",
	"saygilarimla", "saygilar", "iyi çalişmalar", "teşekkürler", "teşekkür ederim", "iyi günler", "kolay gelsin",
	"مع التحية", "مع أطيب التحيات", "وتفضلوا بقبول فائق الاحترام", "شكرا", "شكرا لكم", "تحياتي", "مع خالص التحية",
	"trân trọng", "trân trọng cảm ơn", "cảm ơn", "xin cảm ơn", "chân thành cảm ơn", "thân ái",
	"ขอแสดงความนับถือ", "ขอบคุณครับ", "ขอบคุณค่ะ", "ขอบคุณ", "ด้วยความนับถือ",
	"hormat saya", "hormat kami", "salam", "terima kasih", "salam hormat", "terimakasih",
	"धन्यवाद", "सादर", "शुक्रिया", "भवदीय",
}

// greetings begin a mail.
var greetings = []string{
	"hi", "hello", "hey", "dear", "good morning", "good afternoon", "good evening", "good day", "greetings", "to whom it may concern", "hallo", "guten tag", "guten morgen", "liebes", "liebe", "lieber", "sehr geehrte", "sehr geehrter",
	"sehr geehrtes", "moin", "servus", "grüezi", "bonjour", "bonsoir", "salut", "madame", "monsieur", "hola", "buenos días", "buenas tardes", "buenas noches", "buenas", "buen día", "estimado", "estimada", "estimados", "olá", "ola", "oi",
	"bom dia", "boa tarde", "boa noite", "prezado", "prezada", "prezados", "caro", "cara", "caros", "ciao", "salve", "buongiorno", "buonasera", "gentile", "gentili", "spett.le", "egregio", "goedemorgen", "goedemiddag", "goedendag", "goedenavond", "beste",
	"geachte", "здравствуйте", "добрый день", "доброе утро", "добрый вечер", "привет", "уважаемые", "уважаемая", "уважаемый", "dzień dobry", "witam", "cześć", "szanowni", "szanowny", "szanowna", "merhaba", "selam", "iyi günler", "günaydin", "sayin",
	"مرحبا", "السلام عليكم", "تحية طيبة", "صباح الخير", "مساء الخير", "السادة", "xin chào", "chào", "kính gửi", "chào bạn", "สวัสดี", "สวัสดีครับ", "สวัสดีค่ะ", "เรียน", "halo", "selamat pagi", "selamat siang", "selamat sore", "selamat malam", "yth", "kepada yth",
	"नमस्ते", "नमस्कार", "प्रिय", "महोदय", "您好", "你好", "您们好", "你们好", "大家好", "各位好", "早上好", "下午好", "晚上好", "尊敬的", "亲爱的", "客服您好", "客服你好", "老师您好", "工程师您好", "hello您好", "in您好", "您好呀",
	"こんにちは", "こんばんは", "おはようございます", "はじめまして", "お世話になっております", "いつもお世話になっております", "お世話になります", "いつもお世話になります", "お疲れ様です", "お疲れさまです", "大変お世話になっております", "拝啓", "突然のご連絡失礼いたします", "ご担当者様", "担当者様", "サポートご担当者様", "サポート担当者様",
	"안녕하세요", "안녕하십니까", "안녕하세여", "수고하십니다", "수고 많으십니다", "수고많으십니다", "고생 많으십니다", "담당자님 안녕하세요", "담당자님",
}

// addressees may follow a greeting.
var addressees = []string{
	"team", "support", "all", "there", "everyone", "everybody", "sir", "madam", "or", "sirs", "guys", "folks", "the", "help", "desk", "helpdesk", "service", "customer", "customers", "technical", "tech", "cloud", "it", "operations", "ops", "mr", "mrs", "ms",
	"friend", "friends", "again", "colleagues", "/", "-", "and", "&", "to", "damen", "und", "herren", "zusammen", "frau", "herr", "liebes", "supportteam", "support-team", "kundendienst", "à", "tous", "toutes", "l'équipe", "équipe", "madame", "monsieur", "messieurs", "mesdames",
	"a", "todos", "equipo", "de", "soporte", "señor", "señora", "señores", "equipe", "suporte", "pessoal", "senhor", "senhora", "tutti", "supporto", "assistenza", "signore", "signora", "iedereen", "meneer", "mevrouw", "heer", "dames", "en", "heren", "коллеги",
	"поддержка", "господа", "państwo", "państwu", "pan", "panie", "ekip", "ekibi", "destek", "yetkili", "bạn", "anh", "chị", "các", "ครับ", "ค่ะ", "tim", "bapak", "ibu", "bapak/ibu", "客服", "技术支持", "工程师", "老师", "团队", "support様", "サポート様", "皆様", "담당자님", "고객센터", "여러분",
}

// disclaimers: a line that holds both words is a notice.
var disclaimers = [][2]string{
	{"this e-mail", "confidential"}, {"this email", "confidential"}, {"this message", "confidential"}, {"confidentiality notice", ""}, {"disclaimer:", "mail"}, {"this e-mail", "intended recipient"}, {"this email", "intended recipient"},
	{"本邮件", "保密"}, {"本邮件", "机密"}, {"本邮件", "收件人"}, {"本電子郵件", "機密"}, {"本郵件", "機密"}, {"本メール", "機密"}, {"このメール", "機密"}, {"본 메일", "기밀"}, {"이 메일", "기밀"}, {"본 이메일", "기밀"}, {"diese e-mail", "vertraulich"}, {"diese nachricht", "vertraulich"},
	{"ce message", "confidentiel"}, {"ce courriel", "confidentiel"}, {"este correo", "confidencial"}, {"este mensaje", "confidencial"}, {"esta mensagem", "confidencia"}, {"este e-mail", "confidencia"}, {"questo messaggio", "riservat"}, {"questa e-mail", "riservat"},
	{"dit bericht", "vertrouwelijk"}, {"deze e-mail", "vertrouwelijk"}, {"это сообщение", "конфиденциальн"}, {"настоящее сообщение", "конфиденциальн"}, {"wiadomość", "poufn"}, {"bu e-posta", "gizli"}, {"هذه الرسالة", "سرية"}, {"email này", "bảo mật"},
}

// introducers say that the message is what is quoted under them.
var introducers = []string{
	"below", "following", "forward", "fyi", "fwd", "见下", "如下", "以下", "下面", "转发", "轉發", "見下", "下記", "転送", "下のメール", "아래", "전달", "포워드", "unten", "weiterleit", "weitergeleitet", "ci-dessous", "transf", "transfér", "abajo", "reenv", "siguiente", "abaixo", "encaminh", "seguente", "inoltr", "sotto", "onderstaand", "hieronder", "doorgestuurd",
	"ниже", "пересыл", "poniżej", "przesyłam", "aşağida", "iletiyorum", "أدناه", "dưới đây", "chuyển tiếp", "ด้านล่าง", "di bawah", "berikut", "नीचे",
}
