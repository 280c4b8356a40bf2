"""GPT-2 in PyTorch, measured on request: the peer of `side-by-side`.

Reads one request a line from standard input and answers each with one line of seconds:
  model LAYERS WIDTH HEADS VOCABULARY BATCH LENGTH   makes a model with AdamW and a random batch
  train                                              one training step
  generate SEQUENCES                                 32 tokens for each of SEQUENCES prompts of 16, with a key-value cache
Needs Debian's packages python3-torch, python3-numpy and libopenblas0-pthread.
"""
import math
import os
import sys
import time

# PyTorch at its best: without these, OpenMP's waiting threads spin against OpenBLAS's, and freed memory is given back and
# faulted in again at every step. They must be set before the process starts.
TUNED = {
    "OMP_WAIT_POLICY": "passive",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(1 << 34),
}
if any(os.environ.get(name) != value for name, value in TUNED.items()):
    os.execve(sys.executable, [sys.executable] + sys.argv, {**os.environ, **TUNED})

import torch
import torch.nn as nn
import torch.nn.functional as F


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention, self.projection = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.inner, self.outer = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x, past, mask):
        batch, length, width = x.shape
        split = lambda t: t.view(batch, length, self.heads, width // self.heads).transpose(1, 2)
        q, k, v = map(split, self.attention(self.ln_1(x)).split(width, 2))
        if past is not None:
            k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        scores = (q @ k.transpose(-1, -2)) / math.sqrt(width // self.heads)
        if length > 1:
            scores = scores.masked_fill(mask[:length, :length] == 0, -1e30)
        mixed = (F.softmax(scores, -1) @ v).transpose(1, 2).reshape(batch, length, width)
        x = x + self.projection(mixed)
        return x + self.outer(F.gelu(self.inner(self.ln_2(x)), approximate="tanh")), (k, v)


class Gpt(nn.Module):
    def __init__(self, layers, width, heads, vocabulary, positions=256):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(positions, width)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)
        self.register_buffer("mask", torch.tril(torch.ones(positions, positions)))
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, tokens, start=0, past=None, last=False):
        x = self.tokens(tokens) + self.positions(torch.arange(start, start + tokens.shape[1]))
        present = []
        for index, block in enumerate(self.blocks):
            x, state = block(x, past[index] if past else None, self.mask)
            present.append(state)
        x = self.norm(x)
        return (x[:, -1:] if last else x) @ self.tokens.weight.t(), present


def train(model, optimizer, batch, vocabulary):
    logits, _ = model(batch[:, :-1])
    loss = F.cross_entropy(logits.reshape(-1, vocabulary), batch[:, 1:].reshape(-1))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


@torch.no_grad()
def generate(model, sequences, vocabulary, prompt=16, new=32):
    logits, past = model(torch.randint(0, vocabulary, (sequences, prompt)), last=True)
    for position in range(prompt, prompt + new):
        drawn = torch.multinomial(F.softmax(logits[:, -1], -1), 1)
        logits, past = model(drawn, position, past, True)


def main():
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else os.cpu_count())
    torch.manual_seed(0)
    print(torch.__version__, flush=True)
    for line in sys.stdin:
        command, *numbers = line.split()
        numbers = [int(n) for n in numbers]
        start = time.perf_counter()
        if command == "model":
            model = optimizer = batch = None
            layers, width, heads, vocabulary, rows, length = numbers
            model = Gpt(layers, width, heads, vocabulary)
            optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
            batch = torch.randint(0, vocabulary, (rows, length + 1))
        elif command == "train":
            train(model, optimizer, batch, vocabulary)
        elif command == "generate":
            generate(model, numbers[0], vocabulary)
        print(time.perf_counter() - start, flush=True)


main()
