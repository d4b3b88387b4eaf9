"""Train a small network on digits: `python plain.py OUTPUT`."""

import sys
from pathlib import Path

from safetensors.numpy import save_file
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

output = Path(sys.argv[1])
digits, labels = load_digits(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(digits, labels, random_state=7)

network = MLPClassifier((32,), max_iter=30, tol=0.01, random_state=7)
model = make_pipeline(MinMaxScaler(), network)
model.fit(train_x, train_y)
print(f"test accuracy {model.score(test_x, test_y):.3f}")

weights = {f"layer{number}": layer for number, layer in enumerate(network.coefs_)}
(output / "model").mkdir()
save_file(weights, output / "model" / "weights.safetensors")
