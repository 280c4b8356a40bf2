"""Makes the data of the randomwalks task: trlX, examples/randomwalks/randomwalks.py, with its seed.

    python3 walks.py        (needs numpy; writes graph.json, walks.jsonl and starts.jsonl beside itself)

A directed graph of 21 nodes a to u; the goal is a. 1,000 random walks that stop at the goal or at 10 nodes are the
demonstrations; the task is to walk to the goal in as few nodes as possible. What is written does not depend on the version
of numpy: RandomState is frozen.
"""
import json
import os
import string

import numpy

NODES, WALKS, LONGEST, GOAL = 21, 1000, 10, 0
HERE = os.path.dirname(os.path.abspath(__file__))

random = numpy.random.RandomState(1000)
while True:
    edges = random.rand(NODES, NODES) > 0.9
    numpy.fill_diagonal(edges, 0)
    if numpy.all(edges.sum(1)):
        break
edges[GOAL, :] = 0
edges[GOAL, GOAL] = 1

walks = []
for _ in range(WALKS):
    node = random.randint(NODES)
    while node == GOAL:
        node = random.randint(NODES)
    walk = [node]
    for _ in range(LONGEST - 1):
        walk.append(random.choice(numpy.nonzero(edges[walk[-1]])[0]))
        if walk[-1] == GOAL:
            break
    walks.append("".join(string.ascii_lowercase[node] for node in walk))

assert edges.sum() - 1 == 51 and walks[:3] == ["sda", "fda", "ebjnbdtkna"], walks[:3]


def write(name, lines):
    with open(os.path.join(HERE, name), "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)


letters = string.ascii_lowercase[:NODES]
successors = {letters[i]: "".join(letters[j] for j in numpy.nonzero(edges[i])[0]) for i in range(NODES)}
write("graph.json", [json.dumps(successors, indent=1)])
write("walks.jsonl", (json.dumps({"prompt": walk[0], "completion": walk[1:]}) for walk in walks))
write("starts.jsonl", (json.dumps({"prompt": letter}) for letter in letters[1:]))
