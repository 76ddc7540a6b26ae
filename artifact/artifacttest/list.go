package artifacttest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
)

func listTests() []test {
	return []test{
		{"Empty", listEmpty},
		{"Pages", listPages},
		{"Limit", listLimit},
		{"ChangesBetweenPages", listChangesBetweenPages},
	}
}

func listEmpty(s *suite) {
	store := s.store()
	for _, after := range []artifact.Digest{"", digestOf(nil)} {
		if page, err := store.List(s.Context(), after, 10); err != nil || len(page) != 0 {
			s.Errorf("List of an empty store after %q gave %v and %v", after, page, err)
		}
	}
}

func listPages(s *suite) {
	store := s.store()
	const count = 40
	var digests []artifact.Digest
	for i := range count {
		digests = append(digests, s.put(store, fmt.Appendf(nil, "content %d", i)).Digest)
	}
	slices.Sort(digests)
	for _, limit := range []int{1, 7, count - 1, count, count + 1, 10_000} {
		if got := s.list(store, limit); !slices.Equal(got, digests) {
			s.Errorf("pages of %d list %d digests %v, want %d in order", limit, len(got), got, count)
		}
	}
	infos, err := store.List(s.Context(), "", count)
	if err != nil {
		s.Fatalf("List: %v", err)
	}
	for _, info := range infos {
		stat, err := store.Stat(s.Context(), info.Digest)
		if err != nil || stat.Digest != info.Digest || stat.Size != info.Size || !stat.ModTime.Equal(info.ModTime) {
			s.Errorf("List gives %+v, Stat gives %+v and %v", info, stat, err)
		}
	}
	s.checkKeys(store, digests)
}

// checkKeys lists after keys that are not in the store: a key is a position, not an entry.
func (s *suite) checkKeys(store artifact.Store, digests []artifact.Digest) {
	s.Helper()
	for i, digest := range digests {
		for _, after := range []artifact.Digest{digest, digest[:70] + "f", digest[:69] + "00", digest[:69] + "ff"} {
			want, found := slices.BinarySearch(digests, after)
			if found {
				want++
			}
			page, err := store.List(s.Context(), after, 1)
			if err != nil {
				s.Fatalf("List after %s: %v", after, err)
			}
			if want == len(digests) && len(page) != 0 || want < len(digests) && (len(page) != 1 || page[0].Digest != digests[want]) {
				s.Errorf("List after %s, beside digest %d, gave %v", after, i, page)
			}
		}
	}
	last := artifact.Digest("sha256:" + strings.Repeat("f", 64))
	if page, err := store.List(s.Context(), last, 10); err != nil || len(page) != 0 {
		s.Errorf("List after the greatest digest gave %v and %v", page, err)
	}
}

func listLimit(s *suite) {
	store := s.store()
	s.put(store, nil)
	for _, limit := range []int{0, -1, 10_001, 1 << 30} {
		_, err := store.List(s.Context(), "", limit)
		s.checkCode(fmt.Sprintf("List with limit %d", limit), err, component.Invalid)
	}
	s.checkList(store, nil)
}

// What is stored all the time appears exactly once, whatever comes and goes between pages.
func listChangesBetweenPages(s *suite) {
	store := s.store()
	var stay, seen []artifact.Digest
	for i := range 20 {
		stay = append(stay, s.put(store, fmt.Appendf(nil, "stays %d", i)).Digest)
		s.put(store, fmt.Appendf(nil, "goes %d", i))
	}
	slices.Sort(stay)
	for after, page := artifact.Digest(""), 0; ; page++ {
		infos, err := store.List(s.Context(), after, 3)
		if err != nil {
			s.Fatalf("List: %v", err)
		}
		for _, info := range infos {
			after = info.Digest
			if slices.Contains(stay, after) {
				seen = append(seen, after)
			}
		}
		if len(infos) < 3 {
			break
		}
		s.put(store, fmt.Appendf(nil, "comes %d", page))
		if err := store.Delete(s.Context(), digestOf(fmt.Appendf(nil, "goes %d", page))); err != nil {
			s.Fatalf("Delete: %v", err)
		}
	}
	if !slices.Equal(seen, stay) {
		s.Errorf("of what stays the pages list %v, want %v", seen, stay)
	}
}
