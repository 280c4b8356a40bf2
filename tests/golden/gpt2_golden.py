"""Golden values of GPT-2 models, made with PyTorch in float64.

Writes tests/golden/gpt2/: small random models in the public GPT-2 layout, and what an independent framework computes with
them: logits, gradients, the losses of a training run, a reward model's loss, a PPO update. The weights are float32 numbers
(those in the files); everything is computed from them in float64 and only the results are rounded.

    python3 tests/golden/gpt2_golden.py        (needs torch; 1.13 made the committed files)

The model below follows the GPT-2 paper and the names of its published checkpoints; nothing here is taken from the product.
"""

import json
import math
import os
import struct

import torch
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
torch.use_deterministic_algorithms(True)
OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gpt2")

ACTIVATIONS = {
    "gelu_new": lambda x: 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "gelu": lambda x: 0.5 * x * (1 + torch.erf(x / math.sqrt(2))),
    "relu": torch.relu,
}


class Gpt2(nn.Module):
    """GPT-2: pre-norm blocks, learned positions, linear layers stored [in, out]."""

    def __init__(self, config, score=False):
        super().__init__()
        self.config = config
        c, inner = config["n_embd"], config["n_inner"] or 4 * config["n_embd"]
        shapes = {"wte.weight": (config["vocab_size"], c), "wpe.weight": (config["n_positions"], c)}
        for layer in range(config["n_layer"]):
            h = f"h.{layer}."
            shapes |= {
                h + "ln_1.weight": (c,), h + "ln_1.bias": (c,),
                h + "attn.c_attn.weight": (c, 3 * c), h + "attn.c_attn.bias": (3 * c,),
                h + "attn.c_proj.weight": (c, c), h + "attn.c_proj.bias": (c,),
                h + "ln_2.weight": (c,), h + "ln_2.bias": (c,),
                h + "mlp.c_fc.weight": (c, inner), h + "mlp.c_fc.bias": (inner,),
                h + "mlp.c_proj.weight": (inner, c), h + "mlp.c_proj.bias": (c,),
            }
        shapes |= {"ln_f.weight": (c,), "ln_f.bias": (c,)}
        if not config["tie_word_embeddings"]:
            shapes["lm_head.weight"] = (config["vocab_size"], c)
        if config["lm_head_bias"]:
            shapes["lm_head.bias"] = (config["vocab_size"],)
        if score:
            shapes["score.weight"] = (1, c)

        self.p = {}
        for name, shape in shapes.items():
            # Large enough for every non-linearity to matter; a norm's weights lie around 1.
            value = torch.randn(shape) * (0.2 if len(shape) == 2 else 0.1)
            if name.endswith("weight") and len(shape) == 1:
                value += 1
            self.p[name] = nn.Parameter(value.float().double())

    def linear(self, x, name):
        return x @ self.p[name + ".weight"] + self.p[name + ".bias"]

    def norm(self, x, name):
        return F.layer_norm(x, x.shape[-1:], self.p[name + ".weight"], self.p[name + ".bias"], self.config["layer_norm_epsilon"])

    def hidden(self, tokens):
        """The last hidden state (T, C) of one sequence, after ln_f."""
        t, c, heads = len(tokens), self.config["n_embd"], self.config["n_head"]
        x = self.p["wte.weight"][torch.tensor(tokens, dtype=torch.long)] + self.p["wpe.weight"][:t]
        causal = torch.ones(t, t, dtype=torch.bool).tril()
        for layer in range(self.config["n_layer"]):
            h = f"h.{layer}."
            q, k, v = (
                part.view(t, heads, c // heads).transpose(0, 1)
                for part in self.linear(self.norm(x, h + "ln_1"), h + "attn.c_attn").split(c, dim=-1))
            scores = (q @ k.transpose(1, 2) / math.sqrt(c // heads)).masked_fill(~causal, -math.inf)
            attended = (scores.softmax(-1) @ v).transpose(0, 1).reshape(t, c)
            x = x + self.linear(attended, h + "attn.c_proj")
            inner = ACTIVATIONS[self.config["activation_function"]](self.linear(self.norm(x, h + "ln_2"), h + "mlp.c_fc"))
            x = x + self.linear(inner, h + "mlp.c_proj")
        return self.norm(x, "ln_f")

    def logits(self, tokens):
        head = "wte.weight" if self.config["tie_word_embeddings"] else "lm_head.weight"
        result = self.hidden(tokens) @ self.p[head].T
        return result + self.p["lm_head.bias"] if self.config["lm_head_bias"] else result

    def logprobs(self, tokens, temperature=1.0):
        """log p of every token after the first."""
        return (self.logits(tokens[:-1]) / temperature).log_softmax(-1)[torch.arange(len(tokens) - 1), tokens[1:]]

    def gradients(self, loss):
        return dict(zip(self.p, torch.autograd.grad(loss, list(self.p.values()), allow_unused=True)))


def config(**changes):
    return {
        "model_type": "gpt2", "n_layer": 2, "n_head": 2, "n_embd": 24, "n_positions": 16, "n_inner": None, "vocab_size": 61,
        "layer_norm_epsilon": 1e-5, "activation_function": "gelu_new", "tie_word_embeddings": True, "lm_head_bias": False,
        "bos_token_id": 0, "eos_token_id": 0,
    } | changes


def write_safetensors(path, tensors):
    """Length of the header (8 bytes, little-endian), the header as JSON, then float32 values."""
    header, data = {}, b""
    for name, tensor in tensors.items():
        raw = struct.pack(f"<{tensor.numel()}f", *tensor.detach().flatten().tolist())
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def write_json(path, value):
    """One line for every innermost list or value, so that the files can be read."""
    def show(v, indent):
        if isinstance(v, dict):
            return "{\n" + ",\n".join(f"{indent}  {json.dumps(k)}: {show(x, indent + '  ')}" for k, x in v.items()) + f"\n{indent}}}"
        if isinstance(v, list) and any(isinstance(x, (dict, list)) for x in v):
            return "[\n" + ",\n".join(f"{indent}  {show(x, indent + '  ')}" for x in v) + f"\n{indent}]"
        return json.dumps(v)
    with open(path, "w") as file:
        file.write(show(value, "") + "\n")


def write_model(folder, model):
    os.makedirs(folder, exist_ok=True)
    write_json(os.path.join(folder, "config.json"), model.config)
    write_safetensors(os.path.join(folder, "model.safetensors"), model.p)


def random_tokens(model, length):
    return torch.randint(1, model.config["vocab_size"], (length,)).tolist()


def language_loss(model, rows):
    """Mean negative log-likelihood over the predicted tokens of all rows."""
    return -torch.cat([model.logprobs(row) for row in rows]).mean()


def language_case(name, seed, lengths, gradient_clip, **changes):
    torch.manual_seed(seed)
    model = Gpt2(config(**changes))
    folder = os.path.join(OUT, name)
    write_model(folder, model)
    sequences = [random_tokens(model, length) for length in lengths]
    loss = language_loss(model, sequences)
    write_safetensors(os.path.join(folder, "gradients.safetensors"), model.gradients(loss))
    write_safetensors(os.path.join(folder, "logits.safetensors"), {"logits": torch.cat([model.logits(s) for s in sequences])})
    write_json(os.path.join(folder, "batch.json"), {"sequences": sequences, "loss": loss.item()})
    training_case(folder, model, gradient_clip)


def training_case(folder, model, gradient_clip):
    """Twenty steps of AdamW: two micro-batches a step, clipping, warm-up and cosine."""
    settings = {
        "steps": 20, "batchSize": 4, "microBatchSize": 2, "learningRate": 0.003, "learningRateSchedule": "cosine",
        "finalLearningRateFraction": 0.1, "warmupSteps": 3, "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8, "weightDecay": 0.1,
        "gradientClip": gradient_clip,
    }
    rows = [random_tokens(model, 2 + int(torch.randint(0, model.config["n_positions"] - 1, ()))) for _ in range(12)]
    decayed = [p for p in model.p.values() if p.dim() >= 2]
    others = [p for p in model.p.values() if p.dim() < 2]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": settings["weightDecay"]}, {"params": others, "weight_decay": 0.0}],
        lr=0.0, betas=(settings["beta1"], settings["beta2"]), eps=settings["epsilon"])
    steps = []
    for step in range(settings["steps"]):
        warmup, last = settings["warmupSteps"], settings["finalLearningRateFraction"]
        if step < warmup:
            factor = (step + 1) / warmup
        else:
            progress = (step - warmup) / (settings["steps"] - warmup)
            factor = last + (1 - last) * 0.5 * (1 + math.cos(math.pi * progress))
        rate = settings["learningRate"] * factor
        for group in optimizer.param_groups:
            group["lr"] = rate

        batch = [rows[(4 * step + i) % len(rows)] for i in range(4)]
        predicted = sum(len(row) - 1 for row in batch)
        optimizer.zero_grad()
        loss = 0.0
        for micro in (batch[:2], batch[2:]):
            part = -torch.cat([model.logprobs(row) for row in micro]).sum() / predicted
            part.backward()
            loss += part.item()
        norm = torch.cat([p.grad.flatten() for p in model.p.values()]).norm().item()
        if norm > settings["gradientClip"]:
            for p in model.p.values():
                p.grad *= settings["gradientClip"] / norm
        optimizer.step()
        steps.append({"learning_rate": rate, "loss": loss, "grad_norm": norm})

    # Some steps are clipped and others are not, none so narrowly that rounding decides.
    clipped = sum(s["grad_norm"] > settings["gradientClip"] for s in steps)
    assert 3 <= clipped <= 17, sorted(s["grad_norm"] for s in steps)
    assert min(abs(s["grad_norm"] / settings["gradientClip"] - 1) for s in steps) > 1e-3
    with torch.no_grad():
        final = language_loss(model, rows).item()
    write_json(os.path.join(folder, "training.json"), {"settings": settings, "rows": rows, "steps": steps, "loss_of_all_rows_after": final})
    print(f"{folder}: {clipped} of 20 steps clipped, loss {steps[0]['loss']:.3f} to {steps[-1]['loss']:.3f}, {final:.3f} over all rows")


def reward_case():
    """A reward model on rankings of K answers, ties among them."""
    torch.manual_seed(4)
    model = Gpt2(config(n_embd=18, n_head=3, vocab_size=53, activation_function="gelu"), score=True)
    folder = os.path.join(OUT, "reward")
    write_model(folder, model)
    eos, prompts, losses, right, margins, pairs = 0, [], [], 0.0, 0.0, 0
    for prompt_length, lengths, ranks in ((4, (3, 7, 1, 11), (2, 4, 1, 3)), (2, (5, 5, 2), (1, 2, 2)), (9, (2, 6), (2, 1))):
        prompt = random_tokens(model, prompt_length)
        answers = [random_tokens(model, length) for length in lengths]
        scores = torch.stack([(model.hidden(prompt + answer + [eos])[-1] @ model.p["score.weight"][0]) for answer in answers])
        differences = torch.stack(
            [scores[i] - scores[j] for i in range(len(ranks)) for j in range(len(ranks)) if ranks[i] < ranks[j]])
        losses.append(-F.logsigmoid(differences).mean())
        right += (differences > 0).sum().item()
        margins += differences.sum().item()
        pairs += len(differences)
        prompts.append({"prompt_tokens": prompt, "completion_tokens": answers, "ranks": list(ranks), "scores": scores.tolist()})
    loss = torch.stack(losses).mean()
    write_safetensors(os.path.join(folder, "gradients.safetensors"), model.gradients(loss))
    write_json(os.path.join(folder, "comparisons.json"), {
        "prompts": prompts, "loss": loss.item(), "pairs": pairs, "accuracy": right / pairs, "margin": margins / pairs})
    return model


def ppo_case(value):
    """One minibatch of PPO: clipped policy and value losses on stored numbers, and their gradients."""
    torch.manual_seed(5)
    policy = Gpt2(config(n_embd=18, n_inner=60, vocab_size=53))
    folder = os.path.join(OUT, "ppo")
    write_model(folder, policy)
    temperature, clip, value_clip = 0.7, 0.2, 0.2
    answers, ratios, entropies, all_values = [], [], [], []
    for prompt_length, length in ((5, 6), (2, 1), (8, 8), (3, 10)):
        prompt, answer = random_tokens(policy, prompt_length), random_tokens(policy, length - 1) + [0]
        tokens = prompt + answer
        new = policy.logprobs(tokens, temperature)[prompt_length - 1:]
        distribution = (policy.logits(tokens[:-1]) / temperature).log_softmax(-1)[prompt_length - 1:]
        entropies.append(-(distribution.exp() * distribution).sum(-1))
        # The value of an answer's token is read where the token is predicted.
        values = (value.hidden(tokens[:-1]) @ value.p["score.weight"][0])[prompt_length - 1:]

        def stored(x):
            return x.detach().float().double()

        old, old_values = stored(new + 0.25 * torch.randn(length)), stored(values + 0.25 * torch.randn(length))
        advantages, returns = stored(torch.randn(length)), stored(values + torch.randn(length))
        ratios.append((new, old, advantages))
        all_values.append((values, old_values, returns))
        answers.append({
            "prompt_tokens": prompt, "completion_tokens": answer, "old_logprobs": old.tolist(), "advantages": advantages.tolist(),
            "old_values": old_values.tolist(), "returns": returns.tolist(), "logprobs": new.tolist(), "values": values.tolist()})

    new, old, advantages = (torch.cat(parts) for parts in zip(*ratios))
    ratio = (new - old).exp()
    free, clipped = -advantages * ratio, -advantages * ratio.clamp(1 - clip, 1 + clip)
    policy_loss = torch.maximum(free, clipped).mean()
    values, old_values, returns = (torch.cat(parts) for parts in zip(*all_values))
    limited = torch.minimum(torch.maximum(values, old_values - value_clip), old_values + value_clip)
    value_free, value_clipped = (values - returns) ** 2, (limited - returns) ** 2
    value_loss = 0.5 * torch.maximum(value_free, value_clipped).mean()
    # max() of two equal terms shares the gradient in torch; equal terms have equal gradients here, so nothing depends on it.
    write_safetensors(os.path.join(folder, "policy_gradients.safetensors"), policy.gradients(policy_loss))
    write_safetensors(os.path.join(folder, "value_gradients.safetensors"), value.gradients(value_loss))
    clip_fraction, value_clip_fraction = (clipped > free).double().mean().item(), (value_clipped > value_free).double().mean().item()
    assert 0.1 < clip_fraction < 0.6 and 0.1 < value_clip_fraction < 0.6
    write_json(os.path.join(folder, "minibatch.json"), {
        "temperature": temperature, "clipRange": clip, "valueClipRange": value_clip, "answers": answers,
        "policy_loss": policy_loss.item(), "value_loss": value_loss.item(), "clip_fraction": clip_fraction,
        "value_clip_fraction": value_clip_fraction, "approx_kl": (0.5 * (new - old) ** 2).mean().item(), "ratio": ratio.mean().item(),
        "largest_change_of_ratio": (ratio - 1).abs().max().item(), "entropy": torch.cat(entropies).mean().item()})


if __name__ == "__main__":
    language_case("tied", 1, (16, 1, 7, 12, 2), 2.05)
    language_case(
        "untied", 2, (5, 18, 3, 11), 2.08, n_layer=3, n_head=3, n_positions=18, vocab_size=67, activation_function="gelu",
        tie_word_embeddings=False, lm_head_bias=True, layer_norm_epsilon=1e-6)
    language_case(
        "relu", 3, (20, 9, 4), 2.14, n_embd=34, n_inner=50, n_positions=20, vocab_size=101, activation_function="relu")
    ppo_case(reward_case())
