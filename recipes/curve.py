"""Draws metrics of a run over its steps, one panel each, as an SVG.

    python3 curve.py RUN OUT.svg METRIC[=TARGET]...       a target is drawn as a line
"""
import json
import os
import sys

WIDTH, HEIGHT, LEFT, GAP = 720, 150, 70, 44


def drawn(name, target, steps, values, top):
    low, high = min(values + ([target] if target is not None else [])), max(values + ([target] if target is not None else []))
    low, high = low - 0.05 * (high - low or 1), high + 0.05 * (high - low or 1)
    x = lambda step: LEFT + (WIDTH - LEFT - 20) * (step - steps[0]) / max(1, steps[-1] - steps[0])
    y = lambda value: top + HEIGHT * (high - value) / (high - low)
    parts = [f'<text x="{LEFT}" y="{top - 8}" font-weight="bold">{name}</text>']
    for i in range(5):
        value = low + (high - low) * i / 4
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - 20}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.3g}</text>')
    if target is not None:
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - 20}" y1="{y(target):.1f}" y2="{y(target):.1f}" stroke="#c33" stroke-dasharray="6 4"/>')
    points = " ".join(f"{x(step):.1f},{y(value):.1f}" for step, value in zip(steps, values))
    parts.append(f'<polyline points="{points}" fill="none" stroke="#26c" stroke-width="1.5"/>')
    return parts + [f'<text x="{x(step):.1f}" y="{top + HEIGHT + 16}" text-anchor="middle">{step}</text>' for step in (steps[0], steps[len(steps) // 2], steps[-1])]


run, out, names = sys.argv[1], sys.argv[2], sys.argv[3:]
with open(os.path.join(run, "metrics.jsonl"), encoding="utf-8") as file:
    rows = [json.loads(line) for line in file]
parts, top = [], 30
for entry in names:
    name, _, target = entry.partition("=")
    known = [row for row in rows if name in row]
    parts += drawn(name, float(target) if target else None, [row["step"] for row in known], [row[name] for row in known], top)
    top += HEIGHT + GAP
parts.append(f'<text x="{WIDTH - 20}" y="{top - GAP + 32}" text-anchor="end">step</text>')
with open(out, "w", encoding="utf-8") as file:
    file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" font-family="sans-serif" font-size="12">\n')
    file.write(f'<rect width="{WIDTH}" height="{top}" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n")
