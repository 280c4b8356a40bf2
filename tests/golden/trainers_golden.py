"""Golden values of the trainers, made with PyTorch in float64.

Writes tests/golden/trainers/: rows, settings, and what each of ten steps of AdamW reports, for supervised fine-tuning, a
reward model from rankings of K answers, and direct preference optimization. The models are those of gpt2_golden.py, read from
their files (which are not changed), and a small reference model for DPO that is written here.

    python3 tests/golden/trainers_golden.py        (needs torch; 1.13 made the committed files)

The losses are written as their papers have them, pair by pair and answer by answer; nothing here is taken from the product.
"""

import json
import os
import struct

import torch
from torch.nn import functional as F

import gpt2_golden as gpt2

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "trainers")
STEPS, BATCH = 10, 3
SETTINGS = {
    "steps": STEPS, "batchSize": BATCH, "microBatchSize": 2, "learningRate": 0.001, "learningRateSchedule": "constant",
    "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8, "weightDecay": 0.1, "gradientClip": 0,
}


def read_model(name, score=False):
    folder = os.path.join(gpt2.OUT, name)
    with open(os.path.join(folder, "config.json")) as file:
        model = gpt2.Gpt2(json.load(file), score)
    with open(os.path.join(folder, "model.safetensors"), "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    for name, parameter in model.p.items():
        begin, end = header[name]["data_offsets"]
        parameter.data = torch.tensor(struct.unpack(f"<{(end - begin) // 4}f", data[begin:end])).double().view(header[name]["shape"])
    return model


def train(model, rows, step_of_batch):
    """Ten steps of AdamW; step_of_batch(batch) gives the loss and what else the step reports, as they are before the update."""
    decayed = [p for p in model.p.values() if p.dim() >= 2]
    others = [p for p in model.p.values() if p.dim() < 2]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": SETTINGS["weightDecay"]}, {"params": others, "weight_decay": 0.0}],
        lr=SETTINGS["learningRate"], betas=(SETTINGS["beta1"], SETTINGS["beta2"]), eps=SETTINGS["epsilon"])
    steps = []
    for step in range(STEPS):
        optimizer.zero_grad()
        loss, report = step_of_batch([rows[(BATCH * step + i) % len(rows)] for i in range(BATCH)])
        loss.backward()
        norm = torch.cat([p.grad.flatten() for p in model.p.values() if p.grad is not None]).norm().item()
        steps.append({"loss": loss.item()} | {key: value.item() for key, value in report.items()} | {"grad_norm": norm})
        optimizer.step()
    return steps


def answer_logprob(model, prompt, answer):
    """log p(answer and its end | prompt)."""
    return model.logprobs(prompt + answer + [0])[len(prompt) - 1:].sum()


def pairs_of(ranks):
    return [(i, j) for i in range(len(ranks)) for j in range(len(ranks)) if ranks[i] < ranks[j]]


def rankings(model):
    """Prompts with two to four ranked answers of 1 to 10 tokens, ties among them."""
    rows = []
    for prompt_length, lengths, ranks in (
            (4, (3, 7, 1, 11), (2, 4, 1, 3)), (2, (5, 5, 2), (1, 2, 2)), (9, (2, 6), (2, 1)), (3, (1, 12, 4, 6), (1, 2, 2, 3)),
            (1, (14, 1), (1, 2)), (6, (9, 2, 3, 1), (3, 1, 1, 3)), (5, (4, 4), (2, 1))):
        rows.append({
            "prompt_tokens": gpt2.random_tokens(model, prompt_length),
            "completion_tokens": [gpt2.random_tokens(model, length) for length in lengths], "ranks": list(ranks)})
    return rows


def write(name, settings, rows, steps):
    gpt2.write_json(os.path.join(OUT, name + ".json"), {"settings": settings, "rows": rows, "steps": steps})
    print(f"{name}: loss {steps[0]['loss']:.4f} to {steps[-1]['loss']:.4f}")


def sft_case():
    """Mean negative log-likelihood over the answer tokens of the whole batch."""
    torch.manual_seed(11)
    model = read_model("tied")
    rows = [
        {"prompt_tokens": gpt2.random_tokens(model, prompt), "completion_tokens": gpt2.random_tokens(model, length)}
        for prompt, length in ((4, 9), (1, 14), (12, 1), (7, 3), (2, 2), (5, 10), (9, 6))]

    def step(batch):
        parts = [model.logprobs(row["prompt_tokens"] + row["completion_tokens"] + [0])[len(row["prompt_tokens"]) - 1:] for row in batch]
        return -torch.cat(parts).mean(), {}

    write("sft", SETTINGS, rows, train(model, rows, step))


def reward_case():
    """Mean over prompts of the mean over pairs of -log sigmoid(r(better) - r(worse))."""
    torch.manual_seed(12)
    model = read_model("reward", score=True)
    rows = rankings(model)

    def step(batch):
        losses, differences = [], []
        for row in batch:
            scores = [model.hidden(row["prompt_tokens"] + answer + [0])[-1] @ model.p["score.weight"][0] for answer in row["completion_tokens"]]
            of_row = torch.stack([scores[i] - scores[j] for i, j in pairs_of(row["ranks"])])
            losses.append(-F.logsigmoid(of_row).mean())
            differences.append(of_row)
        differences = torch.cat(differences)
        return torch.stack(losses).mean(), {"accuracy": (differences > 0).double().mean(), "margin": differences.mean()}

    write("reward", SETTINGS, rows, train(model, rows, step))


def dpo_case(name, reference, label_smoothing):
    """Mean over prompts of the mean over pairs of the (conservative) DPO loss."""
    torch.manual_seed(13)
    model, beta = read_model("ppo"), 0.1
    rows = rankings(model)

    def step(batch):
        losses, chosen_rewards, rejected_rewards, chosen_logps, rejected_logps = [], [], [], [], []
        for row in batch:
            of_row = []
            for better, worse in pairs_of(row["ranks"]):
                policy_chosen, policy_rejected = (
                    answer_logprob(model, row["prompt_tokens"], row["completion_tokens"][i]) for i in (better, worse))
                with torch.no_grad():
                    ref_chosen, ref_rejected = (
                        answer_logprob(reference, row["prompt_tokens"], row["completion_tokens"][i]) for i in (better, worse))
                logits = (policy_chosen - policy_rejected) - (ref_chosen - ref_rejected)
                of_row.append(-F.logsigmoid(beta * logits) * (1 - label_smoothing) - F.logsigmoid(-beta * logits) * label_smoothing)
                chosen_rewards.append(beta * (policy_chosen - ref_chosen))
                rejected_rewards.append(beta * (policy_rejected - ref_rejected))
                chosen_logps.append(policy_chosen)
                rejected_logps.append(policy_rejected)
            losses.append(torch.stack(of_row).mean())
        chosen, rejected = torch.stack(chosen_rewards), torch.stack(rejected_rewards)
        return torch.stack(losses).mean(), {
            "rewards/chosen": chosen.mean(), "rewards/rejected": rejected.mean(), "rewards/margins": (chosen - rejected).mean(),
            "rewards/accuracies": (chosen > rejected).double().mean(), "logps/chosen": torch.stack(chosen_logps).mean(),
            "logps/rejected": torch.stack(rejected_logps).mean()}

    write(name, SETTINGS | {"beta": beta, "labelSmoothing": label_smoothing}, rows, train(model, rows, step))


if __name__ == "__main__":
    os.makedirs(OUT, exist_ok=True)
    sft_case()
    reward_case()
    torch.manual_seed(14)
    reference = gpt2.Gpt2(gpt2.config(n_layer=1, n_embd=12, vocab_size=53))
    gpt2.write_model(os.path.join(OUT, "reference"), reference)
    dpo_case("dpo", reference, 0.0)
    dpo_case("dpo-smoothed", reference, 0.1)
