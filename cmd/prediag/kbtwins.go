package main

import (
	"strings"

	"github.com/spf13/cobra"

	"prediag/kb"
)

func (a *app) kbTwins() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "twins [G]",
		Short: "List the articles that say the same, or nearly the same, as another",
		Long: `twins lists groups of articles with one title whose texts are the same or nearly so (about nine tenths of their shingles), in the
current generation or in G. A search shows the first of a group that the caller may read, and names the others beside it.`,
		Example: `  prediag kb twins
  prediag kb twins --json | jq length`,
		Args: cobra.MaximumNArgs(1),
	}
	asJSON := jsonFlag(c)
	c.Flags().StringVar(&dir, "data-dir", "data", "folder of the index")
	c.RunE = func(_ *cobra.Command, args []string) error {
		if err := dataDir(dir).exists(); err != nil {
			return err
		}
		numbers, err := generationsOf(dataDir(dir), args)
		if err != nil {
			return err
		}
		groups := [][]string{}
		for _, n := range numbers {
			g, err := kb.TwinGroups(dataDir(dir).kb(), n)
			if err != nil {
				return err
			}
			groups = append(groups, g...)
		}
		if *asJSON {
			return a.printJSON(groups)
		}
		var p page
		for _, g := range groups {
			p.line("%s  also %s", g[0], strings.Join(g[1:], ", "))
		}
		p.line("%d groups", len(groups))
		return p.to(a.out)
	}
	return c
}
