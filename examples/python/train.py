"""Trains a softmax regression on the rows of a CSV file, with the standard library alone.

    python3 train.py --rows rows.csv --model model.json --lr 0.5 --epochs 200

It runs by hand as well as in the pipeline: a line that begins with ::tenon is a report, and is only printed elsewhere.
"""

import argparse
import csv
import json
import math

FEATURES = ["BillLength", "BillDepth", "FlipperLength", "BodyMass"]


def main():
    args = arguments()
    with open(args.rows, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        raise SystemExit("there are no rows to train on")
    labels = sorted({row["Species"] for row in rows})
    measured = [[float(row[name]) for name in FEATURES] for row in rows]
    mean = [sum(column) / len(column) for column in zip(*measured)]
    std = [
        math.sqrt(sum((x - m) ** 2 for x in column) / len(column))
        for column, m in zip(zip(*measured), mean)
    ]
    x = [[1.0] + [(v - m) / s for v, m, s in zip(row, mean, std)] for row in measured]
    y = [labels.index(row["Species"]) for row in rows]

    weights = [[0.0] * len(x[0]) for _ in labels]
    for epoch in range(args.epochs):
        loss = descend(weights, x, y, args.lr)
        print(f"::tenon progress {epoch + 1}/{args.epochs}", flush=True)
        if epoch % 20 == 0 or epoch == args.epochs - 1:
            print(f"::tenon metric loss={loss}", flush=True)
    print(f"trained on {len(rows)} rows, loss {loss:.4f}")

    with open(args.model, "w", encoding="utf-8") as file:
        model = {"features": FEATURES, "mean": mean, "std": std, "species": labels, "weights": weights}
        json.dump(model, file, allow_nan=False)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--lr", type=float, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    return parser.parse_args()


def descend(weights, x, y, lr):
    """Takes one step down the gradient, and returns the mean cross-entropy before it."""
    gradient = [[0.0] * len(row) for row in weights]
    loss = 0.0
    for row, label in zip(x, y):
        p = softmax([sum(w * v for w, v in zip(ws, row)) for ws in weights])
        loss -= math.log(p[label]) / len(x)
        for k, slope in enumerate(gradient):
            wrong = (p[k] - (k == label)) / len(x)
            for i, v in enumerate(row):
                slope[i] += wrong * v
    for ws, slope in zip(weights, gradient):
        for i, g in enumerate(slope):
            ws[i] -= lr * g
    return loss


def softmax(scores):
    top = max(scores)
    powers = [math.exp(s - top) for s in scores]
    total = sum(powers)
    return [p / total for p in powers]


if __name__ == "__main__":
    main()
