package classifier

func defaultRecipe() recipe {
	return recipe{CharMin: 2, CharMax: 5, PairWindow: 16, PairWeight: 0.7, NextWeight: 0.7, CharWeight: 1, TitleWeight: 2}
}
