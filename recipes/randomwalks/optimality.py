"""The reward of the randomwalks task, 1 for a shortest walk to the goal and 0 for one that does not arrive:

    optimality = (10 - L) / (10 - L*)

L is the number of nodes up to the goal, 10 if an edge does not exist or the goal is not reached; L* that of a shortest walk.

    --reward "exec:python3 optimality.py"      as a reward: one JSON object a line in, one number a line out
    python3 optimality.py --mean FILE...       the mean over the rows of files (those of walks.jsonl, or of generate --json)
"""
import json
import os
import sys

LONGEST, GOAL = 10, "a"
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "graph.json"), encoding="utf-8") as file:
    GRAPH = json.load(file)


def shortest(start):
    """The nodes of a shortest walk, by breadth first."""
    reached, length = {start}, 1
    while GOAL not in reached:
        reached |= {after for node in reached for after in GRAPH[node]}
        length += 1
    return length


BEST = {start: shortest(start) for start in GRAPH}


def optimality(row):
    walk = row["prompt"] + row["completion"]
    length = walk.find(GOAL) + 1 if GOAL in walk else LONGEST
    if any(after not in GRAPH[node] for node, after in zip(walk[: length - 1], walk[1:length])):
        length = LONGEST
    return (LONGEST - min(length, LONGEST)) / (LONGEST - BEST[walk[0]])


if sys.argv[1:2] == ["--mean"]:
    values = [optimality(json.loads(line)) for path in sys.argv[2:] for line in open(path, encoding="utf-8")]
    print(f"{sum(values) / len(values):.4f}  ({len(values)} walks)")
else:
    for line in sys.stdin:
        print(optimality(json.loads(line)), flush=True)
