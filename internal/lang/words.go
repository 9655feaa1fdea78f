package lang

import (
	"slices"
	"strings"
)

// A language of one alphabet is a bit of a set; the sets of one alphabet are independent of those of another.
type set uint64

// hints tell the languages of one alphabet apart.
type hints struct {
	tags     []string // bit i of a set is tags[i]
	words    map[string]set
	endings  map[string]set // of words of five or more letters, two to four letters long
	letters  [0x700]set     // by letter; those beyond are in far
	far      map[rune]set
	prior    []float32 // weight of the language's evidence
	fallback string    // the language when no hint decides; "" means unsure
}

// rare languages need more evidence than their larger relatives.
const rare = "ca no sk sl hr uz sw be mk kk ne mr ro"

const rarePrior = 0.9

// entry is what one language contributes, each a list separated by spaces.
type entry struct{ tag, words, endings, letters string }

func newHints(fallback string, entries []entry) *hints {
	h := &hints{words: map[string]set{}, endings: map[string]set{}, far: map[rune]set{}, fallback: fallback}
	for i, e := range entries {
		bit := set(1) << i
		h.tags = append(h.tags, e.tag)
		h.prior = append(h.prior, 1)
		if slices.Contains(strings.Fields(rare), e.tag) {
			h.prior[i] = rarePrior
		}
		for _, w := range strings.Fields(e.words) {
			h.words[w] |= bit
		}
		for _, w := range strings.Fields(e.endings) {
			h.endings[w] |= bit
		}
		for _, r := range strings.ReplaceAll(e.letters, " ", "") {
			h.addLetter(r, bit)
		}
	}
	return h
}

func (h *hints) addLetter(r rune, bit set) {
	if int(r) < len(h.letters) {
		h.letters[r] |= bit
		return
	}
	h.far[r] |= bit
}

// letter returns the languages that a letter speaks for.
func (h *hints) letter(r rune) set {
	if int(r) < len(h.letters) {
		return h.letters[r]
	}
	return h.far[r]
}

// The tables are written by hand: the function words that plain and support prose are full of, word endings, and the
// letters that few languages have.
var latin = newHints("", []entry{
	{"en", `the of and to in is are was were be been it this that these those with for from on at by an as or not
		but if when then can cannot could will would should have has had do does did don doesn didn isn t s my our
		your their his we you they he she i me us them after before because while which who what how why where there
		here any all some no only also still every each other into than about please help need want trying tried
		using get gets got after cannot unable failed fails keeps again since until without between during more most
		new same error errors issue issues problem server start starts started stop stopped working work works
		failing password account invoice charge charged refund instance disk customer customers search remove upload
		called uses use used run running see find found create created delete deleted possible following between
		application user users access able just over under back them many one two way make software earlier examine
		executes left refers prints type`,
		"ing tion ed ly ness ment able ould ight ings tions ally ities ive ous ers ries", ""},
	{"de", `der die das den dem des ein eine einen einem einer eines und oder aber nicht ist sind war wird werden
		wurde wurden kann können konnte ich wir sie er es ihr uns mich mir mein meine unser unsere ihre ihren mit
		von zu zum zur auf für bei nach vor aus über unter durch im am in an als wie wenn dass weil da seit noch nur
		auch schon mehr sich haben hat habe hatte bitte wieder keine kein keinen wurde diese dieser dieses diesen
		alle um so sein bis ohne mehrere zwischen beim vom ins was wo warum sowie fehler problem starten startet
		gestartet anmelden anmeldung passwort konto rechnung instanz festplatte kunde kunden löschen erstellen
		erstellt verbindung verbinden funktioniert bekomme bekommen erhalte fehlgeschlagen möglich jetzt schon
		erneut zugriff bieten steht stehen heute gestern leider läuft muss müssen sollte hier dort dann viele andere
		anderen sehr`,
		"ung ungen lich keit heit isch schaft ieren tigt eren stellt", "ß ä ö ü"},
	{"fr", `le la les un une des du de et ou mais est sont était être été a ont ai avons avez je j nous vous il elle
		ils on ne pas plus pour par avec sans sur dans sous chez que qu qui quoi dont où ce cet cette ces c d l n s
		mon ma mes notre nos votre vos leur leurs son sa ses au aux en y se si tout tous toute toutes comme quand
		depuis après avant lors lorsque puis aussi très bien fait faire peut peux pouvez impossible merci bonjour
		car entre même encore erreur problème démarrer démarre connexion connecter mot passe compte facture serveur
		disque client clients supprimer créer utilise utiliser utilisé fonctionne échoue échoué reçu reçois afin
		quelques plusieurs certains aucun aucune utilisateur utilisateurs fichier fichiers vers selon chaque elles
		ils autre autres service permet accéder contient nombreuses outils dispose aident appelé jour`,
		"ment tion eur eux aient ique ions ez ée ées oire ement", "é è ê ë à â ç ù û î ï ô œ"},
	{"es", `el la los las un una unos unas de del y o pero no es son era ser ha han he hemos hay está están estar
		fue yo nosotros usted ustedes su sus mi mis nuestro nuestra me nos se le les lo que qué quien como cómo
		cuando donde por para con sin sobre en a al desde hasta entre más muy ya también porque si este esta esto
		estos estas ese esa todo todos todas cada puede puedo pueden hace hacer después antes aunque o e otra otro
		gracias favor no según mientras durante tiene tengo error problema iniciar inicia conectar conexión
		contraseña cuenta factura servidor disco cliente clientes eliminar crear usar utiliza funciona falla fallo
		fallado recibo recibir usuario usuarios archivo archivos acceso acceder desde ayer hoy ahora cualquier nivel
		nueva nuevo grupo trabajan común proceso herramienta posibles busca una varios cuáles proveemos podemos
		ayudar siempre`,
		"ción ciones mente ado ada idad ando iendo ería amos dor dad", "ñ á é í ó ú ¿ ¡"},
	{"pt", `o a os as um uma uns umas de do da dos das e ou mas não é são era ser foi está estão estar há eu nós
		você vocês seu sua seus suas meu minha meus minhas nosso nossa me nos se lhe que quem como quando onde por
		pelo pela pelos pelas para com sem sobre em no na nos nas num numa ao aos à às desde até entre mais muito já
		também porque este esta isto esse essa isso estes estas todo todos todas cada pode posso podem faz fazer
		depois antes outro outra obrigado tem temos consigo ter ele ela eles elas mesmo erro problema iniciar inicia
		conectar conexão senha conta fatura servidor disco cliente clientes excluir criar usar utiliza funciona
		falha falhou recebo receber usuário usuários utilizador arquivo arquivos ficheiro acesso acessar ontem hoje
		agora qualquer nível nova novo guia descreve mostra parte exibe gera adiciona instala lista remove atualiza
		conteúdo boas práticas sessão ainda está minha estou recebendo`,
		"ção ções mente ado ada idade ando endo indo amos dor dade agem", "ã õ ç á é í ó ú â ê ô à"},
	{"it", `il lo la i gli le un uno una di del dello della dei degli delle e o ma non è sono era essere stato stata
		ha hanno ho abbiamo io noi voi lui lei loro mio mia nostro nostra suo sua si ci mi vi che chi come quando
		dove per con senza su sul sulla sulle nel nella nei nelle dal dalla dai dalle al alla ai alle in a da tra
		fra più molto già anche perché se questo questa questi queste quello quella tutti tutto ogni può posso
		possono dopo prima l un d c dell all nell dall sull grazie quindi però ancora viene errore problema avviare
		avvia connettere collegarmi connessione accesso conto fattura server disco cliente clienti eliminare creare
		usare utilizza funziona fallisce fallito ricevo utente utenti file ieri oggi adesso qualsiasi nuovo nuova
		riesco infrastruttura riferisce`,
		"zione zioni mente ato ata ità ando endo iamo tore are ere ire ezza", "è à ù ò ì"},
	{"nl", `de het een en of maar niet is zijn was waren wordt worden werd kan kunnen kon ik wij we je jij u hij zij
		ze jullie mijn onze ons uw hun hen mij met van te tot op voor bij naar uit over onder door in aan als dan
		dat die deze dit er hier daar waar wanneer omdat sinds nog ook al meer om zich hebben heeft heb had geen wel
		alle elke veel zonder tussen na tijdens moet moeten wil graag bent mag zou kunt weer steeds fout probleem
		starten start gestart verbinden verbinding wachtwoord account factuur schijf klant klanten verwijderen maken
		gebruiken gebruikt werkt mislukt ontvang gebruiker gebruikers bestand bestanden toegang gisteren vandaag nu
		kunt`,
		"heid ijk ijke ing ingen eren aar ende lijk tie ties", "ij"},
	{"sv", `och att det som en ett den de på är av för med inte till har hade kan kunde jag vi du ni han hon man
		från om när efter innan eller men så också vid ska skulle denna detta dessa alla vår våra min mitt mina sig
		här där var vad hur varför utan mellan under över mer mycket redan igen bara måste blir blev finns få får
		fel problem starta startar lösenord konto faktura kund kunder ta bort skapa använda används fungerar
		användare fil frågor om dokument beskriver`,
		"ning ningar het lig ligt erna ades orna arna", "å ä ö"},
	{"da", `og at det som en et den de på er af for med ikke til har havde kan kunne jeg vi du i han hun man fra om
		når efter før eller men så også ved skal skulle denne dette disse alle vores min mit mine sig her der hvor
		hvad hvordan hvorfor uden mellem under over mere meget allerede igen kun må bliver blev findes få får være
		ingen dit din nogle deres vil fejl problem starte adgang adgangskode konto faktura kunde kunder slette
		oprette bruge bruges virker bruger brugere fil udløber udløbe spørgsmål yder vores får masse bruger hvis
		dokument beskriver indsamler året nyttige råd folk tæt venligst ændringer`,
		"ning ninger hed lig ligt erne ede else elser", "å æ ø"},
	{"no", `og å det som en et den de på er av for med ikke til har hadde kan kunne jeg vi du dere han hun man fra
		om når etter før eller men så også ved skal skulle denne dette disse alle vår våre min mitt mine seg her der
		hvor hva hvordan hvorfor uten mellom under over mer mye allerede igjen bare må blir ble finnes få får være
		ingen noen deres vil feil problem starte tilgang passord konto faktura kunde kunder slette opprette bruke
		brukes virker bruker brukere fil spørsmål hvis dokument beskriver`,
		"ning ninger het lig ene ingen else", "å æ ø"},
	{"fi", `ja on ei se että en ole oli ovat olen olemme myös kun jos mutta tai sekä joka jotka tämä nämä sen niiden
		mitä miten miksi missä kuin niin vain voi voit voidaan ole kanssa jälkeen ennen ilman minun meidän te me he
		hän mukaan kaikki hyvin sitten vielä jo tätä tässä tähän virhe ongelma palvelin käynnisty salasana tili
		lasku toimi toimii käyttäjä tiedosto`,
		"ssa ssä sta stä lla llä lle lta ksi inen iset taan tään aan een den jen ista", "ä ö"},
	{"pl", `i w z na do nie jest są się to że po od za przez dla jak ale lub oraz czy ten ta te tego tej tym tych
		który która które przy po jako może można mam mamy jestem być był była było mój moja nasz nasze gdy kiedy
		bez między już tylko także więc ich jego jej nam mnie proszę co o aby tak jeszcze pod nad`,
		"ość ości anie enie ego emu ych nie ować ją iem", "ą ć ę ł ń ś ź ż"},
	{"cs", `a v z na do ne je jsou se to že po od za pro jak ale nebo či ten ta ty tento tato tyto toho který která
		které při jako může mohu mám máme jsem jsme být byl byla bylo můj moje náš naše když kdy bez mezi již už
		pouze také tedy jejich jeho její nám mě prosím co o aby tak ještě pod nad s k ve ke si podle`,
		"ost osti ání ení ého ému ých ím ovat ích", "ě ř ů č š ž ý á í é ď ť ň"},
	{"sk", `a v z na do nie je sú sa to že po od za pre ako ale alebo či ten tá tie tento táto tieto toho ktorý
		ktorá ktoré pri môže môžem mám máme som sme byť bol bola bolo môj moje náš naše keď kedy bez medzi už len
		tiež teda ich jeho jej nám ma prosím čo o aby tak ešte pod nad s k vo ku si podľa`,
		"osť osti anie enie ého ému ých ovať ích", "ľ ĺ ŕ ô ä č š ž ý á í é ď ť ň"},
	{"hu", `a az és hogy nem is van vannak volt lesz egy ez azt ezt ezek azok meg de vagy mert ha amikor mint csak
		már még minden nagyon kell lehet kérem után előtt nélkül között alatt által ki mi mit miért hol itt ott ön
		önnek én te mi ők amely amelyek aki való is sem el fel be le`,
		"ban ben nak nek val vel ból ből ról ről hoz hez ság ség ás és tás tés unk ünk", "ő ű ö ü á é í ó ú"},
	{"ro", `și în de la cu pe nu este sunt a fi fost era am ai are avem au un o unei unui cel cea care ce că să dar
		sau dacă când unde cum pentru din după înainte fără între mai foarte deja doar acest această aceste acesta
		toate tot fiecare poate pot nostru noastră meu mea lor lui ei eu noi voi se îmi vă mulțumesc prin`,
		"ului elor ilor ție ții are ește ează ului lui ea", "ă ș ț ş ţ î â"},
	{"tr", `ve bir bu için ile de da değil var yok olarak olan daha çok en ne nasıl neden nerede zaman sonra önce
		kadar gibi ama veya ya ki mi mı mu mü ben biz siz sen o onlar benim bizim sizin her hiç tüm bazı şu şey
		lütfen olduğu oldu olur ediyor etmek göre ancak üzerinde üzere hem diğer tarafından hata sorun sunucu başlat
		başlamıyor giriş parola şifre hesap fatura müşteri silmek oluşturmak kullanmak kullanılan çalışmıyor
		çalışıyor başarısız kullanıcı dosya erişim dün bugün şimdi yeni hatası alıyorum bağlantı`,
		"lar ler ları leri ıyor iyor uyor üyor dan den nda nde mak mek dır dir ması mesi ınız iniz lık lik yorum miyor mıyor", "ı ğ ş İ ç ö ü"},
	{"id", `yang dan di ke dari untuk dengan pada adalah tidak bisa dapat ini itu akan telah sudah belum saya kami
		kita anda mereka dia atau tetapi tapi jika kalau ketika saat setelah sebelum karena juga hanya lebih sangat
		oleh dalam seperti sebagai ada apa bagaimana mengapa kenapa mohon tolong lagi masih bila agar secara para
		suatu sebuah tersebut tanpa antara semua setiap harus ingin gagal kesalahan masalah memulai mulai masuk kata
		sandi akun tagihan pelanggan menghapus membuat menggunakan digunakan berfungsi pengguna berkas akses kemarin
		hari sekarang baru jadi bisa sudah telah muncul pesan coba mencoba koneksi`,
		"kan nya annya lah an asi", ""},
	{"vi", `và của là có không được cho các một những này đó trong trên với để khi từ tôi chúng bạn anh em đã đang
		sẽ bị nhưng hoặc nếu thì mà ra vào lại vì sau trước như cũng chỉ nhiều rất làm theo đến tại về nào gì sao
		thể phải người máy việc lỗi xin giúp khởi động đăng nhập mật khẩu tài khoản hóa đơn khách hàng chủ máy`,
		"", "ơ ư ă đ ạ ả ấ ầ ẩ ẫ ậ ắ ằ ẳ ẵ ặ ẹ ẻ ẽ ế ề ể ễ ệ ỉ ị ọ ỏ ố ồ ổ ỗ ộ ớ ờ ở ỡ ợ ụ ủ ứ ừ ử ữ ự ỳ ỵ ỷ ỹ"},
	{"ca", `el la els les un una uns unes de del dels i o però no és són era ser ha han he hem hi està estan jo
		nosaltres vostè seu seva seus meu meva nostre em ens es li que què qui com quan on per amb sense sobre en a
		al als des fins entre més molt ja també perquè si aquest aquesta això aquests aquestes tot tots totes cada
		pot puc poden fa fer després abans altre altra gràcies l d s n podeu pel vostre`,
		"ció cions ment itat ant ent int eu tge", "ç à è é í ï ó ò ú ü ·"},
	{"hr", `i u na je su se da za od do s sa ne nije nisu to koji koja koje kao ali ili kako što ovaj ova ovo ove
		tog taj može mogu imam imamo sam smo biti bio bila bilo moj moja naš naše kada bez između već samo također
		njihov njegov nam me molim o jer li pri prije nakon iz po ako više sve ukoliko koristite pitanje pitanja
		podršku korisnik zajedničke molimo imate`,
		"ost osti anje enje ova ima ama iti ati ski nja", "č ć š ž đ"},
	{"sl", `in v na je so se da za od do s z ne ni to ki kot ali kako kaj ta te tega ker lahko imam imamo sem smo
		biti bil bila bilo moj moja naš naše ko brez med že samo tudi njihov njegov nam me prosim o če pri pred po
		iz vse ter pa jih`,
		"ost osti anje enje ega emu ih iti ati", "č š ž"},
	{"uz", `va bu uchun bilan bir emas bo lgan yoki ham esa kerak mumkin qanday siz men biz ular agar keyin orqali
		barcha har lekin kabi`,
		"lar lari ning dan ga da ish adi gan", "ʻ"},
	{"sw", `na ya wa kwa ni za la katika hii hiyo yangu yetu yako hawezi siwezi baada kabla lakini au kama kuwa
		hakuna tafadhali nini jinsi wakati bila pia sasa`,
		"isha eka ika ana", ""},
})

var cyrillic = newHints("ru", []entry{
	{"ru", `и в не на что с по как это для от из при но или если к за до после мы я вы он она они его мой наш ваш
		уже еще ещё можно может чтобы только также когда где почему есть нет был была было быть все всё вы нам мне у
		о об со же этот эта эти является который которые ошибка ошибки проблема сервер сервера запуск запускается
		пароль счет счёт клиент диск диска файл файлов работает пользователь доступ вчера сегодня поиск слову новой
		версии для список установка обновление удаление через более между без будет могу можете нужно пожалуйста
		помогите после`,
		"ость ния ние ется ются ого ему ые ый ать ить ться ция ией ием ских ной ных ами ому ным", "ы э ё ъ"},
	{"uk", `і в не на що з по як це для від із при але або якщо до за після ми я ви він вона вони його мій наш ваш
		вже ще можна може щоб тільки також коли де чому є немає був була було бути всі все нам мені у о про та та
		цей ця ці який які яка й зі помилка помилки сервер запуск пароль рахунок клієнт працює користувач доступ
		вчора сьогодні список нової версії усіх основних ось буде можу потрібно ласка`,
		"ість ння ється ються ого ому ати ити тися ція ії", "і ї є ґ"},
	{"bg", `и в не на че с по как това за от из при но или ако до след ние аз вие той тя те го моя нашия вече още
		може само също когато къде защо има няма беше бяха са съм сме да се ще със във като към е който която които
		тази този тези`,
		"ост ата ите ето ява ът ият ват", "ъ"},
	{"sr", `и у на је су се да за од до с са не није нису то који која које као али или како што овај ова ово ове
		може могу имам смо бити био била било мој наш када без између већ само такође њихов нам ме о јер при пре
		након из по ако више све`,
		"ост ња ње ости има ама ити ати ски", "ј љ њ ђ ћ џ"},
	{"be", `і у не на што з па як гэта для ад пры але або калі да за пасля мы я вы ён яна яны яго мой наш ужо яшчэ
		можна можа каб толькі таксама дзе чаму ёсць няма быў была было быць усе`,
		"асць нне ецца ага ыя ць", "ў і ё ы э"},
	{"mk", `и во не на што со по како ова за од при но или ако до ние јас вие тој таа тие го мојот веќе уште може
		само исто кога каде зошто има нема беше се да ќе кој која кои е`,
		"ост ње ата ите ето от", "ѓ ќ ѕ ј љ њ џ"},
	{"kk", `және бұл үшін бір мен бар жоқ емес туралы кейін осы егер болады керек қалай`, "лар лер дың дің ған ген", "ә ғ қ ң ө ұ ү һ"},
})

var arabic = newHints("ar", []entry{
	{"ar", `في من على إلى الى عن مع هذا هذه التي الذي لا لم لن ما أن ان إن كان كانت هو هي كل بعد قبل عند أو او ثم قد
		هل كيف لماذا نحن أنا يمكن يتم تم عندما حتى بين غير دون أي إذا`,
		"ات ون ين ية", "ة ى ي ك إ أ ؤ ئ"},
	{"fa", `در از به که این با را برای است آن می های ها شود شده شد کند کنید یک هم یا تا اما اگر پس من ما شما نیست
		نمی چرا چگونه بعد هر خود بر باید دارد دارم کرد کردن`,
		"های ها ند ید", "پ چ ژ گ ک ی"},
	{"ur", `ہے میں کے کی کا سے کو نہیں اور یہ وہ پر ہیں ایک کر نے ہو تو بھی لیے تھا گیا رہا ہوں آپ ہم کیا جب اگر بعد
		ساتھ`,
		"وں یں", "ٹ ڈ ڑ ں ے ہ ھ پ چ گ ک ی"},
})

var devanagari = newHints("hi", []entry{
	{"hi", `है हैं में के की का से को नहीं और यह वह पर एक कर ने हो तो भी लिए था गया रहा हूँ आप हम क्या जब अगर बाद
		साथ या इस किया करें कि`, "ता ते ती ना ने", ""},
	{"mr", `आहे आहेत आणि नाही हे हा ही मध्ये साठी करा करू मी आम्ही तुम्ही तो ते पण किंवा जर नंतर काय कसे एक या व की
		होते झाले`, "च्या ला ने त चा ची चे", "ळ"},
	{"ne", `छ छन् र मा को लाई गर्न भएको यो त्यो हो तपाईं म हामी पनि वा यदि पछि के कसरी एक गर्नुहोस् छैन`, "हरू मा को ले", ""},
})
