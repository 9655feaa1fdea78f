package classifier

func defaultRecipe() recipe {
	return recipe{CharMin: 2, CharMax: 4, PairWindow: 16, PairWeight: 0.5, NextWeight: 0.5, CharWeight: 1, TitleWeight: 2}
}
