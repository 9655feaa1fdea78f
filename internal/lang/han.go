package lang

// What tells written Chinese in simplified characters from traditional ones, and both from Japanese. A character is
// listed only where the other scripts do not use it.
const (
	simplifiedOnly  = `这们个来时为说对会过还没开关门问间题务应该经现发动电话网络机业东车马鱼鸟风飞语请谁让认识论设计证护报错误级线终续绝给统维缓编缘组织结构继绩缴转载轮软输达运进远连选适边录钱银销链锁键镜长闭闻闲队阳阴际陆难雾顶项顺须预领频颜额类显验骑驱驳补规视览觉观亲访词详调谈谢贝负责费资质购贴贸赛赞赠趋跃践轻较辑邮邻头买卖实写宁宝审宽岁岛币帐师带帮广库庆异弃张弹强归当径从忆怀态总恶惊惯愿战户扩扫护择换据损敌数断无旧时显术权条极构标样树桥检档梦欢残毁毕汇汉汤沟泪泽测浏浓湾满滤灭灯灵点烧热爱状独狱环玛现电疗监盖盘确码础离种积称稳穷窃竞笔筛签简粮纠纤约纪纯纲纳纵纷纸纹细绍绑绕统绪绿缩缺网罗罚职联肃胜脑脚节艺苏获营虑虚虽蚀补装见规订讨训议记许诉诊试诚话询该详语误读课谁谅账败货贩贪贫贮跨车轨软轴载辅辆输辽迁过运违迟邓释针钟钥钮铁铜铺锐锚镇镜门闪阅阵阶陈险随隐页顾顿颁频飘饭饮饰馆驻驾骤鲁鸡龄龙权戶们请里`
	traditionalOnly = `這們個來時為說對會過還沒開關門問間題務應該經現發動電話網絡機業東車馬魚鳥風飛語請誰讓認識論設計證護報錯誤級線終續絕給統維緩編緣組織結構繼績繳轉載輪軟輸達運進遠連選適邊錄錢銀銷鏈鎖鍵鏡長閉聞閒隊陽陰際陸難霧頂項順須預領頻顏額類顯驗騎驅駁補規視覽覺觀親訪詞詳調談謝貝負責費資質購貼貿賽贊贈趨躍踐輕較輯郵鄰頭買賣實寫寧寶審寬歲島幣帳師帶幫廣庫慶異棄張彈歸當徑從憶懷態總惡驚慣願戰擴掃擇換據損敵數斷無舊術權條極標樣樹橋檢檔夢歡殘毀畢匯漢湯溝淚澤測瀏濃灣滿濾滅燈靈點燒熱愛狀獨獄環療監蓋盤確碼礎離種積稱穩窮竊競筆篩簽簡糧糾纖約紀純綱納縱紛紙紋細紹綁繞緒綠縮羅罰職聯肅勝腦腳節藝蘇獲營慮虛雖蝕裝見訂討訓議記許訴診試誠詢讀課諒賬敗貨販貪貧貯軌軸輔輛遼遷違遲鄧釋針鐘鑰鈕鐵銅鋪銳錨鎮閃閱陣階陳險隨隱頁顧頓頒飄飯飲飾館駐駕驟魯雞齡龍嗎麼裡後於與體臺檯號壞產劃擊據儲啟啓撥擇佈妳您`
	japaneseOnly    = `変対応検働込処済読続総関験権歩毎戻図絵駅価仮択訳様巻帰気楽黒広駆円発売実単県団囲圏圧塩壊売悩悪戦払拡掲摂撮齢暁桜渋渓満焼犠猟穂粋糸繊缶聴蔵薬覚観訳謡豊転軽辺遅鉄鋳録隠雑霊顔験髪鶏黙労効勤仏伝侭価`
)

// Bits of a character's table entry.
const (
	isSimplified uint8 = 1 << iota
	isTraditional
	isJapanese
)

var hanTable = newHanTable()

// newHanTable leaves out what more than one list holds where the lists were not exact: such a character tells nothing.
func newHanTable() map[rune]uint8 {
	table := map[rune]uint8{}
	for _, list := range []struct {
		chars string
		bit   uint8
	}{{simplifiedOnly, isSimplified}, {traditionalOnly, isTraditional}, {japaneseOnly, isJapanese}} {
		for _, r := range list.chars {
			table[r] |= list.bit
		}
	}
	for r, bits := range table {
		if bits&(bits-1) != 0 {
			delete(table, r)
		}
	}
	return table
}
