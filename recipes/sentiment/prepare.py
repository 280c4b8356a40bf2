"""Makes the rows of the sentiment recipe out of public files.

    python3 prepare.py RT_POLARITY_FOLDER GUTENBERG_FOLDER OUT

RT_POLARITY_FOLDER holds rt-polarity.pos and rt-polarity.neg (Pang & Lee 2005), GUTENBERG_FOLDER books as .txt.
Writes comparisons.jsonl and held-out.jsonl (a positive sentence beats a negative one; prompt "") and prompts.jsonl
(the first words of paragraphs).
"""
import json
import os
import random
import re
import sys

polarity, books, out = sys.argv[1:]
draw = random.Random(1)


def sentences(name):
    with open(os.path.join(polarity, name), encoding="latin-1") as file:
        lines = [line.strip() for line in file if line.strip()]
    draw.shuffle(lines)
    return lines


def write(name, rows):
    with open(os.path.join(out, name), "w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


pairs = [{"prompt": "", "chosen": " " + good, "rejected": " " + bad} for good, bad in zip(sentences("rt-polarity.pos"), sentences("rt-polarity.neg"))]
write("comparisons.jsonl", pairs[:-500])
write("held-out.jsonl", pairs[-500:])

prompts = []
for name in sorted(os.listdir(books)):
    with open(os.path.join(books, name), encoding="utf-8") as file:
        for paragraph in re.split(r"\n\s*\n", file.read()):
            words = paragraph.split()
            if len(words) >= 30:
                prompts.append({"prompt": " ".join(words[: draw.randint(6, 12)])})
draw.shuffle(prompts)
write("prompts.jsonl", prompts[:4096])
print(len(pairs), "pairs,", len(prompts), "prompts")
