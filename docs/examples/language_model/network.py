"""A small transformer that predicts the next byte of a text; about 137,000 parameters."""

import torch
from torch import nn
from torch.nn import functional

BYTES = 256


class Block(nn.Module):
    """Causal self-attention and a small network, each around a residual connection."""

    def __init__(self, width, heads, dropout):
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.norm_network = nn.LayerNorm(width)
        self.network = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        batch, length, width = x.shape
        parts = self.query_key_value(self.norm_attention(x))
        heads = parts.view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        mixed = mixed.transpose(1, 2).reshape(batch, length, width)
        x = x + self.dropout(self.project(mixed))
        return x + self.dropout(self.network(self.norm_network(x)))


class ByteTransformer(nn.Module):
    """Embeddings of bytes and places, blocks, and a score for each next byte."""

    def __init__(self, *, context, width, layers, heads, dropout=0.0):
        super().__init__()
        self.context = context
        self.embed_byte = nn.Embedding(BYTES, width)
        self.embed_place = nn.Embedding(context, width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.score = nn.Linear(width, BYTES)

    def forward(self, text):
        """Return scores of shape (batch, length, 256) for bytes of shape (batch, length)."""
        places = torch.arange(text.shape[1])
        x = self.dropout(self.embed_byte(text) + self.embed_place(places))
        for block in self.blocks:
            x = block(x)
        return self.score(self.norm(x))


def read_text(path):
    """Return the bytes of a file as a tensor of shape (bytes,)."""
    return torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8)


def loss_of(model, windows):
    """Return the mean loss, in nats a byte, of windows of shape (batch, context + 1)."""
    windows = windows.long()
    scores = model(windows[:, :-1])
    return functional.cross_entropy(scores.flatten(0, 1), windows[:, 1:].flatten())


@torch.no_grad()
def bits_per_byte(model, text, batch=64):
    """Return how many bits the model needs for a byte of a text, read window by window."""
    model.eval()
    windows = text.unfold(0, model.context + 1, model.context)
    losses = [loss_of(model, part) * len(part) for part in windows.split(batch)]
    model.train()
    return float(sum(losses) / len(windows) / torch.log(torch.tensor(2.0)))
