"""A network of two layers in plain numpy: forward, gradients, and where it is kept."""

import numpy as np


def create(rng, inputs, hidden, outputs):
    """Return fresh weights, scaled so that the first steps are neither dead nor wild."""
    return {
        "hidden.weight": rng.normal(0, np.sqrt(2 / inputs), (inputs, hidden)).astype(np.float32),
        "hidden.bias": np.zeros(hidden, dtype=np.float32),
        "output.weight": rng.normal(0, np.sqrt(1 / hidden), (hidden, outputs)).astype(np.float32),
        "output.bias": np.zeros(outputs, dtype=np.float32),
    }


def forward(weights, images):
    """Return the activations of the hidden layer and the probabilities of the ten digits."""
    hidden = np.maximum(images @ weights["hidden.weight"] + weights["hidden.bias"], 0)
    scores = hidden @ weights["output.weight"] + weights["output.bias"]
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    return hidden, scores / scores.sum(axis=1, keepdims=True)


def loss_and_gradients(weights, images, labels):
    """Return the mean cross-entropy and its gradient for every tensor."""
    hidden, probabilities = forward(weights, images)
    rows = np.arange(len(labels))
    loss = -np.log(probabilities[rows, labels] + 1e-12).mean()
    error = probabilities.copy()
    error[rows, labels] -= 1
    error /= len(labels)
    back = (error @ weights["output.weight"].T) * (hidden > 0)
    gradients = {
        "hidden.weight": images.T @ back,
        "hidden.bias": back.sum(axis=0),
        "output.weight": hidden.T @ error,
        "output.bias": error.sum(axis=0),
    }
    return float(loss), gradients


def accuracy(weights, images, labels):
    """Return the share of images whose most probable digit is the right one."""
    return float((forward(weights, images)[1].argmax(axis=1) == labels).mean())
