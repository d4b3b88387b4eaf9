"""Train in a task of Ray: `python plain.py OUTPUT`."""

import sys
from pathlib import Path

import numpy as np
import ray
from safetensors.numpy import save_file
from sklearn.datasets import load_digits

import provenance
from provenance.integrations.ray import recorded_task

output = Path(sys.argv[1]).resolve()
(output / "model").mkdir()


@ray.remote
@recorded_task(output=output / "runs")
def train(learning_rate: float, epochs: int) -> str:
    """Train a softmax regression and return where its weights lie."""
    digits, labels = load_digits(return_X_y=True)
    run = provenance.current_run()
    run.config(learning_rate=learning_rate, epochs=epochs)
    wanted = np.eye(10)[labels]
    weights = np.zeros((64, 10))
    for _ in range(epochs):
        scores = np.exp(digits / 16 @ weights)
        scores /= scores.sum(axis=1, keepdims=True)
        weights -= learning_rate * digits.T / 16 @ (scores - wanted) / len(digits)
    path = output / "model" / "weights.safetensors"
    save_file({"weights": weights}, path)
    run.checkpoint(path, step=epochs)
    return str(path)


ray.init(num_cpus=1, include_dashboard=False, _node_ip_address="127.0.0.1")
print(ray.get(train.remote(0.5, epochs=20)))
ray.shutdown()
