package main

import (
	"image"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/artifact"
)

const header = "species,island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex\n"

func TestReadPenguins(t *testing.T) {
	t.Parallel()
	got, quality, err := readPenguins(strings.NewReader(header +
		"Adelie,Torgersen,39.1,18.7,181,3750,male\n" +
		"Adelie,Torgersen,,NA,,,\n" +
		"Gentoo,Biscoe,46.1,13.2,211,4500,.\n" + // of unknown sex: used
		"Gentoo,Biscoe,wide,-1,NaN,+Inf,female\n" +
		"Emperor,Biscoe,46.1,13.2,211,4500,male\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Penguin{
		{"Adelie", "Torgersen", 39.1, 18.7, 181, 3750, "male"},
		{"Gentoo", "Biscoe", 46.1, 13.2, 211, 4500, ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("penguins (-want +got):\n%s", diff)
	}
	wantQuality := Quality{
		Rows: 5, Kept: 2, Dropped: []int{3, 5, 6},
		Missing:   map[string]int{"bill_length_mm": 1, "bill_depth_mm": 1, "flipper_length_mm": 1, "body_mass_g": 1, "sex": 1},
		Malformed: map[string]int{"bill_length_mm": 1, "bill_depth_mm": 1, "flipper_length_mm": 1, "body_mass_g": 1, "sex": 1, "species": 1},
	}
	if diff := cmp.Diff(wantQuality, quality); diff != "" {
		t.Errorf("quality (-want +got):\n%s", diff)
	}
}

func TestReadPenguinsRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ in, want string }{
		"empty file":    {"", "read the header: EOF"},
		"other columns": {"a,b\n1,2\n", `the columns are ["a" "b"], want ["species"`},
		"short row":     {header + "Adelie,Torgersen\n", "record on line 2: wrong number of fields"},
		"open quote":    {header + "\"Adelie\n", "parse error on line 2"},
		"no row":        {header, "none of its 0 rows can be used"},
		"no usable row": {header + "Adelie,Torgersen,,,,,\n", "none of its 1 rows can be used"},
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
		penguins, q, err := readPenguins(strings.NewReader(in))
		if err != nil {
			return
		}
		if q.Kept != len(penguins) || q.Kept+len(q.Dropped) != q.Rows {
			t.Errorf("%d penguins of %+v", len(penguins), q)
		}
		for _, p := range penguins {
			if i := slices.IndexFunc(p.Features(), func(x float64) bool { return !(x > 0) || math.IsInf(x, 0) }); i >= 0 {
				t.Errorf("%+v has the measurement %v", p, p.Features()[i])
			}
		}
	})
}

// flock returns n penguins of each species, which differ.
func flock(n int) []Penguin {
	var penguins []Penguin
	for i, species := range Species {
		for j := range n {
			x, y := float64(i), float64(j)
			penguins = append(penguins, Penguin{Species: species, BillLength: 40 + 5*x + y/10, BillDepth: 18 - x + y/20, FlipperLength: 180 + 15*x + y, BodyMass: 3500 + 700*x + 10*y})
		}
	}
	return penguins
}

func TestSplit(t *testing.T) {
	t.Parallel()
	all := flock(10)
	out, err := Split(t.Context(), SplitIn{Penguins: artifact.New(all), TestShare: 0.3, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	train, test := out.Train.Value(), out.Test.Value()
	for _, species := range Species {
		if n := len(ofSpecies(test, species)); n != 3 {
			t.Errorf("%d penguins of species %s are in the test, want 3", n, species)
		}
	}
	byMass := func(a, b Penguin) int { return int(a.BodyMass - b.BodyMass) }
	if diff := cmp.Diff(slices.SortedFunc(slices.Values(all), byMass), slices.SortedFunc(slices.Values(slices.Concat(train, test)), byMass)); diff != "" {
		t.Errorf("train and test together are not all penguins:\n%s", diff)
	}
	if _, err := Split(t.Context(), SplitIn{Penguins: artifact.New(all), TestShare: 0.01}); err == nil {
		t.Error("a split that leaves nothing to test succeeds")
	}
}

func TestScale(t *testing.T) {
	t.Parallel()
	penguins := flock(10)
	scale, err := FitScale(t.Context(), ScaleIn{Train: artifact.New(penguins)})
	if err != nil {
		t.Fatal(err)
	}
	sums, squares := make([]float64, 4), make([]float64, 4)
	for _, p := range penguins {
		for i, z := range scale.Value().Apply(p.Features()) {
			sums[i], squares[i] = sums[i]+z, squares[i]+z*z
		}
	}
	for i := range sums {
		if math.Abs(sums[i]) > 1e-9 || math.Abs(squares[i]-29) > 1e-9 {
			t.Errorf("measurement %d: sum %g and sum of squares %g of 30 standardised values, want 0 and 29", i, sums[i], squares[i])
		}
	}
	_, err = FitScale(t.Context(), ScaleIn{Train: artifact.New(penguins[:1])})
	if err == nil || err.Error() != "bill_length_mm does not differ between the 1 penguins" {
		t.Errorf("one penguin: error %v", err)
	}
}

func TestTrainAndEvaluate(t *testing.T) {
	t.Parallel()
	penguins := flock(20)
	scale, err := FitScale(t.Context(), ScaleIn{Train: artifact.New(penguins)})
	if err != nil {
		t.Fatal(err)
	}
	fit, err := Train(t.Context(), TrainIn{Train: artifact.New(penguins), Scale: scale, LR: 1, Epochs: 300, L2: 1e-4})
	if err != nil {
		t.Fatal(err)
	}
	losses := fit.Loss.Value()
	if math.Abs(losses[0]-math.Log(3)) > 1e-9 {
		t.Errorf("the first loss is %g, want that of guessing: ln 3", losses[0])
	}
	if !slices.IsSortedFunc(losses, func(a, b float64) int { return -int(math.Copysign(1, a-b)) }) {
		t.Error("the loss does not fall in every epoch")
	}
	score, err := Evaluate(t.Context(), EvaluateIn{Model: fit.Model, Test: artifact.New(penguins)})
	if err != nil {
		t.Fatal(err)
	}
	want := Evaluation{Tested: 60, Correct: 60, Accuracy: 1, Confusion: [][]int{{20, 0, 0}, {0, 20, 0}, {0, 0, 20}}}
	if diff := cmp.Diff(want, score.Evaluation.Value()); diff != "" {
		t.Errorf("evaluation (-want +got):\n%s", diff)
	}
	p := fit.Model.Value().Probabilities(penguins[0])
	if sum := p[0] + p[1] + p[2]; math.Abs(sum-1) > 1e-12 {
		t.Errorf("probabilities %v sum to %g", p, sum)
	}
}

func TestTrainDiverges(t *testing.T) {
	t.Parallel()
	penguins := flock(5)
	scale, err := FitScale(t.Context(), ScaleIn{Train: artifact.New(penguins)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Train(t.Context(), TrainIn{Train: artifact.New(penguins), Scale: scale, LR: 1e6, Epochs: 100})
	if err == nil || !strings.Contains(err.Error(), "choose a learning rate below 1e+06") {
		t.Errorf("error %v", err)
	}
}

func TestPlotAndReport(t *testing.T) {
	t.Parallel()
	penguins := flock(5)
	scale, err := FitScale(t.Context(), ScaleIn{Train: artifact.New(penguins)})
	if err != nil {
		t.Fatal(err)
	}
	guess := Model{Scale: scale.Value(), Weights: [][]float64{{1, 0, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}}} // always Adelie
	plot, err := Plot(t.Context(), PlotIn{Model: artifact.New(guess), Test: artifact.New(penguins), Loss: artifact.New([]float64{1, 0.5})})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range append(slices.Clone(palette), color.Color(color.Black)) {
		if !has(plot.Value(), want) {
			t.Errorf("the plot has no pixel of colour %d, %v", i, want)
		}
	}
	report, err := Report(t.Context(), ReportIn{
		Quality:    artifact.New(Quality{Rows: 17, Kept: 15, Dropped: []int{3, 8}, Missing: map[string]int{"sex": 41}, Malformed: map[string]int{"island": 42}}),
		Evaluation: artifact.New(Evaluation{Tested: 15, Correct: 5, Accuracy: 1.0 / 3, Confusion: [][]int{{5, 0, 0}, {5, 0, 0}, {5, 0, 0}}}),
		Plot:       plot,
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
	for _, want := range []string{"33.3 %", "5 of 15 test penguins", "17 rows, 15 used. 2 left out, on line 3, 8.", ">41<", ">42<", `src="data:image/png;base64,iVBOR`, `class="wrong">5<`} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the report does not hold %q", want)
		}
	}
}

func has(img image.Image, want color.Color) bool {
	r, g, b, _ := want.RGBA()
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y++ {
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x++ {
			if r2, g2, b2, _ := img.At(x, y).RGBA(); r == r2 && g == g2 && b == b2 {
				return true
			}
		}
	}
	return false
}
