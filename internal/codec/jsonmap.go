package codec

import (
	"slices"
	"strings"
)

// object renders a map: keys are strings, or the JSON of other keys as strings, in order. A map with keys that are not valid UTF-8
// becomes a list of pairs, since no string stands for such a key.
func (r *renderer) object(out []byte) ([]byte, error) {
	if err := r.enter(); err != nil {
		return out, err
	}
	n, err := r.of(majorMap, "a map")
	if err != nil {
		return out, err
	}
	if r.limit > 0 {
		return r.firstEntries(out, n)
	}
	type entry struct{ key, value string }
	var entries []entry
	pairs := false
	for range n {
		tagged := r.off < len(r.data) && r.data[r.off]>>5 == majorTag
		key, err := r.value(nil)
		if err != nil {
			return out, err
		}
		value, err := r.value(nil)
		if err != nil {
			return out, err
		}
		pairs = pairs || tagged && key[0] == '{'
		entries = append(entries, entry{string(key), string(value)})
	}
	if pairs {
		out = append(out, '[')
		for i, e := range entries {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(out, "["+e.key+","+e.value+"]"...)
		}
		r.depth--
		return append(out, ']'), nil
	}
	for i, e := range entries {
		if e.key[0] != '"' {
			entries[i].key = string(AppendJSONString(nil, e.key))
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	out = append(out, '{')
	for i, e := range entries {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, e.key+":"+e.value...)
	}
	r.depth--
	return append(out, '}'), nil
}

// firstEntries renders a map in the order of its data, which may end before the map does.
func (r *renderer) firstEntries(out []byte, n uint64) ([]byte, error) {
	out = append(out, '{')
	for i := range n {
		if i > 0 {
			out = r.sep(out, ',')
		}
		var err error
		if r.off < len(r.data) && r.data[r.off]>>5 == majorText {
			out, err = r.value(out)
		} else {
			var key []byte
			key, err = r.value(nil)
			out = AppendJSONString(out, string(key))
		}
		if err != nil {
			return out, err
		}
		if out, err = r.value(r.sep(out, ':')); err != nil {
			return out, err
		}
	}
	r.depth--
	return append(out, '}'), nil
}
