package draft

import "prediag/internal/lang"

// words are the sentences that a draft says by itself.
type words struct {
	nothingFound string // no article answers the ticket
	askError     string // the error message or code is missing
	askResource  string // the resource is not named
}

// wordsFor returns the sentences in a language, in English where there is no translation.
func wordsFor(language string) words {
	if w, ok := translations()[language]; ok {
		return w
	}
	if w, ok := translations()[lang.Base(language)]; ok {
		return w
	}
	return translations()["en"]
}

func translations() map[string]words {
	return map[string]words{
		"en": {
			"No article in the knowledge base answers this ticket.",
			"What is the exact error message or error code, and when did it first appear?",
			"Which resource is affected (its ID and region)?",
		},
		"zh": {
			"知识库中没有能解答此工单的文章。",
			"请提供完整的报错信息或错误码，以及首次出现的时间。",
			"请提供受影响资源的 ID 和所在区域。",
		},
		"zh-Hant": {
			"知識庫中沒有能解答此工單的文章。",
			"請提供完整的錯誤訊息或錯誤碼，以及首次出現的時間。",
			"請提供受影響資源的 ID 和所在區域。",
		},
		"ja": {
			"このチケットに答えるナレッジベースの記事はありません。",
			"正確なエラーメッセージまたはエラーコードと、最初に発生した日時を教えてください。",
			"影響を受けているリソースの ID とリージョンを教えてください。",
		},
		"ko": {
			"지식 베이스에 이 티켓에 답하는 문서가 없습니다.",
			"정확한 오류 메시지나 오류 코드와 처음 발생한 시각을 알려 주세요.",
			"영향을 받는 리소스의 ID와 리전을 알려 주세요.",
		},
		"de": {
			"Kein Artikel der Wissensdatenbank beantwortet dieses Ticket.",
			"Wie lautet die genaue Fehlermeldung oder der Fehlercode, und wann trat er zuerst auf?",
			"Welche Ressource ist betroffen (ID und Region)?",
		},
		"fr": {
			"Aucun article de la base de connaissances ne répond à ce ticket.",
			"Quel est le message ou le code d'erreur exact, et quand est-il apparu pour la première fois ?",
			"Quelle ressource est concernée (identifiant et région) ?",
		},
		"es": {
			"Ningún artículo de la base de conocimientos responde a este ticket.",
			"¿Cuál es el mensaje o código de error exacto y cuándo apareció por primera vez?",
			"¿Qué recurso está afectado (ID y región)?",
		},
	}
}
