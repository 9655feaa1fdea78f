package kb

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSettingsAreShortAndStable(t *testing.T) {
	require.Regexp(t, `^kb-[0-9a-f]{12}$`, Settings())
	require.Equal(t, Settings(), Settings())
}
