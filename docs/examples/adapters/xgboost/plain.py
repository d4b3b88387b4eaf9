"""Boost trees on handwritten digits, with checkpoints: `python plain.py OUTPUT`."""

import sys
from pathlib import Path

import xgboost
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

output = Path(sys.argv[1])
digits, labels = load_digits(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(digits, labels, random_state=7)
train, test = xgboost.DMatrix(train_x, train_y), xgboost.DMatrix(test_x, test_y)

(output / "checkpoints").mkdir()
callbacks = [xgboost.callback.TrainingCheckPoint(output / "checkpoints", interval=2)]
model = xgboost.train(
    {"objective": "multi:softprob", "num_class": 10, "max_depth": 3, "seed": 7, "nthread": 1},
    train,
    num_boost_round=6,
    evals=[(test, "test")],
    callbacks=callbacks,
)

(output / "model").mkdir()
model.save_model(output / "model" / "model.ubj")
