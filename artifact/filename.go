package artifact

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is the length of a file name in bytes that every system can take, with room for what tools append.
const maxName = 200

// safeName makes of any text a file name that stays in its directory and is possible on every system: the last element of a path, without
// control characters and those that Windows forbids. A name that is fine stays as it is.
func safeName(s string) string {
	s = s[strings.LastIndexAny(s, `/\`)+1:]
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || strings.ContainsRune(`<>:"|?*`, r) {
			return '_'
		}
		return r
	}, s)
	s = strings.TrimRight(s, ends)
	if reservedName(s) {
		s = "_" + s
	}
	s = strings.TrimRight(shorten(s), ends)
	if s == "" {
		return "file"
	}
	return s
}

// ends is what Windows takes from the end of a name; "." and ".." consist of it.
const ends = " ."

// shorten cuts what stands before the extension.
func shorten(s string) string {
	if len(s) <= maxName {
		return s
	}
	ext := s[max(strings.LastIndexByte(s, '.'), 0):]
	if len(ext) > maxName/4 || len(ext) == len(s) {
		ext = ""
	}
	stem := s[:maxName-len(ext)]
	for stem != "" && !utf8.ValidString(stem) {
		stem = stem[:len(stem)-1]
	}
	return stem + ext
}

// reservedName reports whether Windows takes a name for a device, whatever its extension.
func reservedName(s string) bool {
	stem, _, _ := strings.Cut(s, ".")
	stem = strings.ToUpper(strings.TrimRight(stem, " "))
	if slices.Contains([]string{"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}, stem) {
		return true
	}
	port, ok := strings.CutPrefix(stem, "COM")
	if !ok {
		port, ok = strings.CutPrefix(stem, "LPT")
	}
	return ok && utf8.RuneCountInString(port) == 1 && strings.Trim(port, "0123456789¹²³") == ""
}
