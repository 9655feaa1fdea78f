package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"prediag"
	"prediag/classifier"
)

func (a *app) modelCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "model",
		Short: "List, check and fall back to the models that a folder keeps",
		Long: `model looks after a model's folder. train keeps the last three models in it; a service that uses the folder takes in the
one that becomes current, within seconds and without a lost call.`,
		Example: "  prediag model list --model data/model\n  prediag model verify\n  prediag model rollback",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(a.modelList(), a.modelVerify(), a.modelRollback())
	return c
}

func modelFlag(c *cobra.Command) *string {
	return c.Flags().String("model", dataDir("data").model(), "folder of the model")
}

func (a *app) modelList() *cobra.Command {
	var asJSON *bool
	var folder *string
	c := &cobra.Command{
		Use: "list", Short: "List the models of a folder, the newest first", Args: cobra.NoArgs,
		Example: "  prediag model list\n  prediag model list --model m --json",
		RunE: func(*cobra.Command, []string) error {
			list, err := classifier.Versions(*folder)
			if err != nil {
				return err
			}
			if *asJSON {
				return a.printJSON(list)
			}
			return renderModels(a.out, list)
		},
	}
	folder, asJSON = modelFlag(c), jsonFlag(c)
	return c
}

func renderModels(w io.Writer, list []classifier.StoredVersion) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "MODEL\tSTORED\tMB\t")
	for _, v := range list {
		mark := ""
		if v.Current {
			mark = "current"
		}
		fmt.Fprintf(t, "%s\t%s\t%.1f\t%s\n", v.Version, v.Stored.Format(time.DateTime), float64(v.Bytes)/1e6, mark)
	}
	return t.Flush()
}

// checkedModel is a model that was read whole.
type checkedModel struct {
	Model      string   `json:"model"` // version
	Dir        string   `json:"dir"`
	Fields     []string `json:"fields"`
	Categories int      `json:"categories"`
}

func (a *app) modelVerify() *cobra.Command {
	var asJSON *bool
	var folder *string
	c := &cobra.Command{
		Use: "verify", Short: "Read the current model whole and check every byte against its checksums", Args: cobra.NoArgs,
		Example: "  prediag model verify\n  prediag model verify --model m --json",
		RunE: func(*cobra.Command, []string) error {
			m, err := classifier.Load(*folder)
			if err != nil {
				return err
			}
			got := checkedModel{Model: m.Version(), Dir: *folder, Fields: m.Fields(), Categories: len(m.Labels(prediag.FieldCategory))}
			if *asJSON {
				return a.printJSON(got)
			}
			_, err = fmt.Fprintf(a.out, "Model %s in %s is whole: fields %v, %d categories\n", got.Model, got.Dir, got.Fields, got.Categories)
			return err
		},
	}
	folder, asJSON = modelFlag(c), jsonFlag(c)
	return c
}

func (a *app) modelRollback() *cobra.Command {
	var asJSON *bool
	var folder *string
	c := &cobra.Command{
		Use: "rollback [MODEL]", Short: "Fall back to the model before the current one, or to the one named", Args: cobra.MaximumNArgs(1),
		Example: "  prediag model rollback\n  prediag model rollback 3f2a90c1d5e7 --model m",
		RunE: func(_ *cobra.Command, args []string) error {
			version, err := classifier.Rollback(*folder, optional(args))
			if err != nil {
				return err
			}
			if *asJSON {
				return a.printJSON(map[string]string{"model": version, "dir": *folder})
			}
			_, err = fmt.Fprintf(a.out, "Model %s is the current one of %s\n", version, *folder)
			return err
		},
	}
	folder, asJSON = modelFlag(c), jsonFlag(c)
	return c
}
