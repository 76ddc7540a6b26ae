package main

import (
	"context"
	"errors"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/diff/fd"
	"gonum.org/v1/gonum/floats"

	"github.com/tenon-ml/tenon/artifact"
)

const header = "species,island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex\n"

func TestReadPenguins(t *testing.T) {
	t.Parallel()
	got, dropped, err := readPenguins(strings.NewReader(header +
		"Adelie,Torgersen,39.1,18.7,181,3750,male\n" +
		"Adelie,Torgersen,,,,,\n" +
		"Gentoo,Biscoe,46.1,13.2,211,4500,.\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Penguin{{0, 39.1, 18.7, 181, 3750}, {2, 46.1, 13.2, 211, 4500}}
	if diff := cmp.Diff(want, got); diff != "" || dropped != 1 {
		t.Errorf("%d dropped, want 1; penguins (-want +got):\n%s", dropped, diff)
	}
}

func TestReadPenguinsRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ in, want string }{
		"empty file":    {"", "read the header: EOF"},
		"other columns": {"a,b\n1,2\n", `the columns are ["a" "b"], want ["species"`},
		"short row":     {header + "Adelie,Torgersen\n", "record on line 2: wrong number of fields"},
		"other species": {header + "Adelie,Biscoe,1,1,1,1,\nEmperor,Biscoe,1,1,1,1,\n", `line 3: species: "Emperor" is none of ["Adelie"`},
		"no number":     {header + "Adelie,Biscoe,1,wide,1,1,\n", `line 2: bill_depth_mm: "wide" is no measurement`},
		"infinite":      {header + "Adelie,Biscoe,1,1,1,+Inf,\n", `line 2: body_mass_g: "+Inf" is no measurement`},
		"no positive":   {header + "Adelie,Biscoe,-1,1,1,1,\n", `line 2: bill_length_mm: "-1" is no measurement`},
	} {
		_, _, err := readPenguins(strings.NewReader(test.in))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
	}
}

func FuzzReadPenguins(f *testing.F) {
	f.Add(header + "Adelie,Torgersen,39.1,18.7,181,3750,male\n")
	f.Add(header + "Gentoo,Biscoe,NaN,1e999,-0,,.\n")
	f.Fuzz(func(t *testing.T, in string) {
		penguins, _, err := readPenguins(strings.NewReader(in))
		if err != nil {
			return
		}
		for _, p := range penguins {
			if slices.ContainsFunc(p.Features(), func(x float64) bool { return !(x > 0) || math.IsInf(x, 0) }) {
				t.Errorf("%+v has a measurement that is none", p)
			}
		}
	})
}

// flock returns n penguins of each species, of whom no two are alike.
func flock(n int) []Penguin {
	random := rand.New(rand.NewPCG(1, 2))
	var penguins []Penguin
	for species := range Species {
		x := float64(species)
		for range n {
			penguins = append(penguins, Penguin{
				Species: species, BillLength: 40 + 5*x + random.Float64(), BillDepth: 18 - x + random.Float64(),
				FlipperLength: 180 + 15*x + random.Float64(), BodyMass: 3500 + 700*x + random.Float64(),
			})
		}
	}
	return penguins
}

func deal(t *testing.T, penguins []Penguin, folds int, seed uint64) []int {
	t.Helper()
	out, err := Deal(t.Context(), DealIn{Penguins: artifact.New(penguins), Folds: folds, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return out.Value()
}

func TestDeal(t *testing.T) {
	t.Parallel()
	penguins := flock(10)
	folds := deal(t, penguins, 4, 1)
	for species := range Species {
		sizes := make([]int, 4)
		for i, p := range penguins {
			if p.Species == species {
				sizes[folds[i]]++
			}
		}
		if want := []int{3, 3, 2, 2}; !slices.Equal(sizes, want) {
			t.Errorf("the folds hold %v penguins of species %d, want %v", sizes, species, want)
		}
	}
	if !slices.Equal(folds, deal(t, penguins, 4, 1)) || slices.Equal(folds, deal(t, penguins, 4, 2)) {
		t.Error("the folds do not depend on the seed alone")
	}
	_, err := Deal(t.Context(), DealIn{Penguins: artifact.New(penguins), Folds: 11})
	if err == nil || err.Error() != "10 penguins of species Adelie are too few for 11 folds" {
		t.Errorf("error %v", err)
	}
}

func TestTerms(t *testing.T) {
	t.Parallel()
	m := Model{Mean: make([]float64, 4), Std: []float64{1, 1, 1, 1}, Setting: Setting{Degree: 2}}
	got := m.terms(Penguin{BillLength: 2, BillDepth: 3, FlipperLength: 5, BodyMass: 7})
	want := []float64{1, 2, 3, 5, 7, 2 * 2, 2 * 3, 2 * 5, 2 * 7, 3 * 3, 3 * 5, 3 * 7, 5 * 5, 5 * 7, 7 * 7}
	if !slices.Equal(got, want) {
		t.Errorf("terms %v, want %v", got, want)
	}
	for degree, want := range []int{1, 5, 15, 35, 70} { // 4+degree over degree
		m.Setting.Degree = degree
		if got := len(m.terms(Penguin{})); got != want {
			t.Errorf("%d terms of degree %d, want %d", got, degree, want)
		}
	}
}

// TestGradient holds the gradient that is computed against one that is measured.
func TestGradient(t *testing.T) {
	t.Parallel()
	penguins := flock(5)
	m := Model{Setting: Setting{Degree: 2}}
	if err := m.measure(penguins); err != nil {
		t.Fatal(err)
	}
	x, y := m.design(penguins)
	random := rand.New(rand.NewPCG(3, 4))
	w := make([]float64, 15*3)
	for i := range w {
		w[i] = random.NormFloat64()
	}
	got := make([]float64, len(w))
	objective(w, got, x, y, 0.1)
	want := fd.Gradient(nil, func(w []float64) float64 { return objective(w, nil, x, y, 0.1) }, w, &fd.Settings{Formula: fd.Central})
	if !floats.EqualApprox(got, want, 1e-6) {
		t.Errorf("gradient %v, want %v", got, want)
	}
}

// recognised returns how many penguins a model tells right.
func recognised(m Model, penguins []Penguin) (right int) {
	for _, p := range penguins {
		if floats.MaxIdx(m.LogProbabilities(p)) == p.Species {
			right++
		}
	}
	return right
}

func TestFit(t *testing.T) {
	t.Parallel()
	penguins := flock(20)
	norm := math.Inf(1)
	for _, penalty := range []float64{1e-4, 1e-2, 1} { // the more the penalty, the smaller the weights
		m, err := fit(t.Context(), penguins, Setting{Degree: 1, Penalty: penalty})
		if err != nil {
			t.Fatal(err)
		}
		if right := recognised(m, penguins); right != 60 {
			t.Errorf("penalty %g: %d of 60 penguins are recognised", penalty, right)
		}
		if sum := math.Exp(floats.LogSumExp(m.LogProbabilities(penguins[0]))); math.Abs(sum-1) > 1e-12 {
			t.Errorf("the probabilities sum to %g", sum)
		}
		now := floats.Norm(slices.Concat(m.Weights[1:]...), 2)
		if now >= norm {
			t.Errorf("penalty %g: the weights have the norm %g, and %g with a smaller penalty", penalty, now, norm)
		}
		norm = now
	}
	_, err := fit(t.Context(), penguins[:1], Setting{Degree: 1, Penalty: 1})
	if err == nil || err.Error() != "bill_length_mm does not differ between the 1 penguins" {
		t.Errorf("one penguin: error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := fit(ctx, penguins, Setting{Degree: 1, Penalty: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v of a run that is cancelled", err)
	}
}

func TestTrainAndEvaluate(t *testing.T) {
	t.Parallel()
	// What looks like the third species is called the first one, in the fold that no model but one has seen.
	penguins := flock(10)
	folds := deal(t, penguins, 2, 1)
	strange := slices.IndexFunc(penguins, func(p Penguin) bool { return p.Species == 2 })
	penguins[strange].Species = 0
	in := TrainIn{Setting: artifact.New(Setting{1, 0.01}), Penguins: artifact.New(penguins), Folds: artifact.New(folds)}
	models, err := Train(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(models.Value()); n != 2 {
		t.Fatalf("%d models, want 2", n)
	}
	score, err := Evaluate(t.Context(), EvaluateIn{Models: models, Penguins: in.Penguins, Folds: in.Folds})
	if err != nil {
		t.Fatal(err)
	}
	s := score.Value()
	if s.Degree != 1 || s.Penalty != 0.01 || math.Abs(s.Accuracy-29.0/30) > 1e-12 {
		t.Errorf("score %+v, want one mistake in 30", s)
	}
	// Guessing costs ln 3 for each penguin, in every fold.
	guess := Model{Mean: make([]float64, 4), Std: []float64{1, 1, 1, 1}, Weights: [][]float64{{0, 0, 0}}}
	score, err = Evaluate(t.Context(), EvaluateIn{Models: artifact.New([]Model{guess, guess}), Penguins: in.Penguins, Folds: in.Folds})
	if err != nil {
		t.Fatal(err)
	}
	if s := score.Value(); math.Abs(s.Loss-math.Log(3)) > 1e-12 || s.Error > 1e-12 {
		t.Errorf("guessing costs %g ± %g, want ln 3 exactly", s.Loss, s.Error)
	}
}

func TestBest(t *testing.T) {
	t.Parallel()
	scores := []Score{
		{Degree: 1, Penalty: 0.1, Loss: 0.3, Accuracy: 0.99},
		{Degree: 2, Penalty: 0.1, Loss: 0.2, Accuracy: 0.97},
		{Degree: 1, Penalty: 0.1, Loss: 0.2, Accuracy: 0.97},
		{Degree: 1, Penalty: 0.5, Loss: 0.2, Accuracy: 0.97}, // the simplest of the least loss
	}
	for bar, good := range map[float64]bool{0.96: true, 0.97: true, 0.98: false} {
		out, err := Best(t.Context(), BestIn{Scores: artifact.New(scores), Bar: bar})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(scores[3], out.Score.Value()); diff != "" || out.Good.Value() != good {
			t.Errorf("with the bar at %g the best is good: %v; best (-want +got):\n%s", bar, out.Good.Value(), diff)
		}
	}
}

func TestPlotAndReport(t *testing.T) {
	t.Parallel()
	// One setting alone, that of a model which is never wrong, is the hardest to draw.
	perfect := Score{Degree: 4, Penalty: 0.02, Loss: 0, Error: 0, Accuracy: 1}
	other := Score{Degree: 1, Penalty: 1000, Loss: 0.01, Error: 0.5, Accuracy: 0.75}
	for _, scores := range [][]Score{{perfect}, {other, perfect}} {
		plot, err := Plot(t.Context(), PlotIn{Scores: artifact.New(scores), Best: artifact.New(perfect)})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range scores {
			if !has(plot.Value(), s.Degree) {
				t.Errorf("the plot has no pixel of degree %d", s.Degree)
			}
		}
	}
	report, err := Report(t.Context(), ReportIn{
		Scores: artifact.New([]Score{other, perfect}), Best: artifact.New(perfect), Good: artifact.New(true),
		Plot: artifact.New[image.Image](image.NewGray(image.Rect(0, 0, 1, 1))), Folds: 3, Bar: 0.9,
	})
	if err != nil {
		t.Fatal(err)
	}
	file := string(report.Value())
	defer os.RemoveAll(filepath.Dir(file)) // outside a run the caller removes what step.TempDir made
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"2 settings", "3 folds", ">100.0 %<", "it was promoted", `src="data:image/png;base64,iVBOR`,
		`<tr class="best"><td>4</td><td>0.02</td>`, "<td>1</td><td>1000</td><td>0.0100</td><td>0.5000</td><td>75.0 %</td>",
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the report does not hold %q", want)
		}
	}
}

// has reports whether a picture has a pixel in the colour of a degree.
func has(img image.Image, degree int) bool {
	r, g, b, _ := palette[degree-1].RGBA()
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y++ {
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x++ {
			if r2, g2, b2, _ := img.At(x, y).RGBA(); r == r2 && g == g2 && b == b2 {
				return true
			}
		}
	}
	return false
}

func TestParams(t *testing.T) {
	t.Parallel()
	many := make([]float64, 1001)
	for _, test := range []struct {
		want   string
		change func(*Params)
	}{
		{"", func(*Params) {}},
		{"csv: must name a file or an https URL", func(p *Params) { *p = Params{} }},
		{"degrees: must hold at least one", func(p *Params) { p.Degrees = nil }},
		{"penalties: must hold at least one", func(p *Params) { p.Penalties = nil }},
		{"degrees, penalties: 3003 settings are more than 1000", func(p *Params) { p.Penalties = many }},
		{"folds: must be 2 to 20", func(p *Params) { p.Folds = 1 }},
		{"folds: must be 2 to 20", func(p *Params) { p.Folds = 21 }},
		{"bar: must be 0 to 1", func(p *Params) { p.Bar = math.NaN() }},
		{"bar: must be 0 to 1", func(p *Params) { p.Bar = 98 }},
		{"degrees: 5: want different ones of 1 to 4", func(p *Params) { p.Degrees = []int{1, 5} }},
		{"degrees: 1: want different ones of 1 to 4", func(p *Params) { p.Degrees = []int{1, 1} }},
		{"penalties: 0: want different positive numbers", func(p *Params) { p.Penalties = []float64{0} }},
		{"penalties: NaN: want different positive numbers", func(p *Params) { p.Penalties = []float64{math.NaN()} }},
		{"penalties: 0.5: want different positive numbers", func(p *Params) { p.Penalties = []float64{0.5, 1, 0.5} }},
	} {
		p := Sweep.Params()
		test.change(&p)
		got := ""
		if err := p.Validate(); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%+v: error %q, want %q", p, got, test.want)
		}
	}
}
