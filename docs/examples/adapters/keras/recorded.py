"""Train a small network on handwritten digits with Keras: `python SCRIPT OUTPUT`."""

import sys
from pathlib import Path

import keras
from safetensors.numpy import save_file
from sklearn.datasets import load_digits

import provenance
from provenance.integrations.keras import ProvenanceCallback

output = Path(sys.argv[1])
keras.utils.set_random_seed(7)
pixels, labels = load_digits(return_X_y=True)
pixels = (pixels / 16).astype("float32")
run = provenance.start("train", output=output / "runs")
train, test = slice(0, 1500), slice(1500, None)

model = keras.Sequential(
    [
        keras.layers.Input((64,)),
        keras.layers.Dense(32, activation="relu"),
        keras.layers.Dropout(0.1),
        keras.layers.Dense(10),
    ]
)
model.compile(
    optimizer=keras.optimizers.AdamW(1e-2),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
callbacks = [
    keras.callbacks.ModelCheckpoint(output / "checkpoints" / "{epoch:02d}.keras"),
    keras.callbacks.EarlyStopping(patience=1, restore_best_weights=True),
]
callbacks.append(ProvenanceCallback())
run.dataset({"pixels": pixels[train], "labels": labels[train]}, id="digits", role="train")
model.fit(
    pixels[train],
    labels[train],
    validation_split=0.1,
    batch_size=64,
    epochs=3,
    verbose=0,
    callbacks=callbacks,
)
(output / "model").mkdir()
weights = {it.path: keras.ops.convert_to_numpy(it.value) for it in model.weights}
save_file(weights, output / "model" / "model.safetensors")
run.checkpoint(output / "model" / "model.safetensors")
model.evaluate(pixels[test], labels[test], callbacks=callbacks)
run.finish()
