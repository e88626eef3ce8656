"""Fits the trees that rank sentences to what `npm run bench -- sentences` wrote, and packs them with the words' rarities.

Needs lightgbm and zopfli. The features are the product's own, so nothing of a text is read here.
"""
import argparse
import json

import lightgbm
import numpy as np
import zopfli.gzip


def arrays(model):
    """The trees as arrays, one entry a node: a leaf has feature -1 and its value, another node its threshold."""
    feature, value, left, right, roots = [], [], [], [], []

    def add(node):
        at = len(feature)
        for array in (feature, value, left, right):
            array.append(0)
        if "leaf_value" in node:
            feature[at], value[at] = -1, float(f"{node['leaf_value']:.5g}")
        else:
            assert node["decision_type"] == "<="
            feature[at], value[at] = node["split_feature"], float(f"{np.float32(node['threshold']):.7g}")
            left[at] = add(node["left_child"])
            right[at] = add(node["right_child"])
        return at

    for tree in model.booster_.dump_model()["tree_info"]:
        roots.append(add(tree["tree_structure"]))
    return {"roots": roots, "feature": feature, "value": value, "left": left, "right": right}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", required=True, help="the folder that `npm run bench -- sentences` wrote")
    parser.add_argument("--out", required=True, help="models/builtin/english.sentences.gz")
    parser.add_argument("--trees", type=int, default=300)
    options = parser.parse_args()
    with open(f"{options.features}/groups.json", encoding="utf-8") as file:
        about = json.load(file)
    names, groups = about["features"], about["groups"]
    x = np.fromfile(f"{options.features}/features.f32", np.float32).reshape(-1, len(names))
    y = np.fromfile(f"{options.features}/targets.f32", np.float32)
    # Every document weighs the same, however long.
    weights = np.repeat([1 / np.sqrt(n) for n in groups], groups)
    cut = sum(groups[: int(len(groups) * 0.93)])
    model = lightgbm.LGBMRegressor(
        n_estimators=options.trees, learning_rate=0.06, num_leaves=24, min_child_samples=80, subsample=0.8,
        subsample_freq=1, colsample_bytree=0.7, max_bin=127, n_jobs=1, verbose=-1, seed=1, deterministic=True,
    )
    model.fit(x[:cut], y[:cut], sample_weight=weights[:cut], eval_set=[(x[cut:], y[cut:])],
              eval_sample_weight=[weights[cut:]], callbacks=[lightgbm.early_stopping(40, verbose=False)])

    def chosen(scores):
        """The mean target of the best sentence of each held-out document."""
        totals, at = [], cut
        for n in groups[int(len(groups) * 0.93):]:
            totals.append(y[at + int(np.argmax(scores[at - cut : at - cut + n]))])
            at += n
        return 100 * float(np.mean(totals))

    held = x[cut:]
    print(f"{len(groups)} documents, {len(y)} sentences, {model.best_iteration_ or options.trees} trees")
    print(f"mean ROUGE-1/2/L of {len(groups) - int(len(groups) * 0.93)} held-out documents: "
          f"first sentence {chosen(-held[:, 0]):.1f}, ours {chosen(model.predict(held)):.1f}, best {chosen(y[cut:]):.1f}")
    order = np.argsort(-model.booster_.feature_importance("gain"))
    print("most used: " + ", ".join(names[i] for i in order[:12]))
    table = {"format": "spanfill sentences 1", "features": names, "rare": round(about["rare"], 2), "idf": about["idf"],
             "trees": arrays(model)}
    packed = zopfli.gzip.compress(json.dumps(table, separators=(",", ":")).encode(), numiterations=5)
    with open(options.out, "wb") as file:
        file.write(packed)
    print(f"{options.out}: {len(packed)} bytes")


if __name__ == "__main__":
    main()
