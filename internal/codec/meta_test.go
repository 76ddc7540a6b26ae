package codec

import (
	"encoding/json"
)

// metaText renders metadata as it is recorded.
func metaText(i Info) string {
	text, err := json.MarshalIndent(i.Meta, "", "  ")
	if err != nil {
		return err.Error()
	}
	return string(text) + "\n"
}
