package triage

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestListingByHand(t *testing.T) {
	require.InDelta(t, 1, listing("- What is a disk?\n- How do I attach it？\n* Disks > Limits\n12. More\n"), 1e-12)
	require.InDelta(t, 35.0/59, listing("Some text of an article.\n- One entry\n- Two entry\n- Three entry\n"), 1e-12)
	require.Zero(t, listing("- Log in to the console.\n- Choose a disk;\n- Click Attach.\n- 完成。"), "steps")
	require.Zero(t, listing("- One\n- Two"), "too few")
	require.Zero(t, listing("v1.2 is out\n-v is a flag\n3 disks\nplain"))
	require.Zero(t, listing(""))
}

func TestListingIsAShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := listing(rapid.StringMatching(`([-*] |[0-9]\. )?[a-c。.? \n-]{0,80}`).Draw(t, "text") + rapid.String().Draw(t, "more"))
		require.True(t, x >= 0 && x <= 1)
	})
}
