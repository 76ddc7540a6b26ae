package workerrpc

import (
	"github.com/tenon-ml/tenon/metadata"
	workerv1 "github.com/tenon-ml/tenon/proto/tenon/worker/v1"
)

// metricsTo says once what consecutive points have in common.
func metricsTo(metrics []metadata.Metric) []*workerv1.MetricSeries {
	var series []*workerv1.MetricSeries
	for i, m := range metrics {
		if i == 0 || m.StepKey != metrics[i-1].StepKey || m.Attempt != metrics[i-1].Attempt {
			series = append(series, &workerv1.MetricSeries{Run: text(m.Run), Step: text(m.Step), Index: int64(m.Index), Attempt: text(m.Attempt)})
		}
		last := series[len(series)-1]
		last.Points = append(last.Points, &workerv1.MetricSeries_Point{Name: text(m.Name), Value: m.Value, Time: timeTo(m.Time), Seq: int64(m.Seq)})
	}
	return series
}

func metricsFrom(series []*workerv1.MetricSeries) ([]metadata.Metric, error) {
	var metrics []metadata.Metric
	for _, s := range series {
		key := metadata.StepKey{Run: s.GetRun(), Step: s.GetStep(), Index: int(s.GetIndex())}
		for _, p := range s.GetPoints() {
			t, err := timeFrom("time of a metric", p.GetTime())
			if err != nil {
				return nil, err
			}
			metrics = append(metrics, metadata.Metric{
				StepKey: key, Attempt: s.GetAttempt(), Name: p.GetName(), Value: p.GetValue(), Time: t, Seq: int(p.GetSeq()),
			})
		}
	}
	return metrics, nil
}
