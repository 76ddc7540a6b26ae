module github.com/tenon-ml/tenon/examples

go 1.26.0

require github.com/tenon-ml/tenon v0.0.0-00010101000000-000000000000

replace github.com/tenon-ml/tenon => ../
