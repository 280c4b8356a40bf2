#!/bin/sh
# The randomwalks task from nothing: sh recipes/randomwalks/run.sh OUT [SEED...]   (from the root of the repository)
# NATIVERLHF names a built runner, if "dotnet run" is not to be used.
set -e
here=recipes/randomwalks out=$1
shift
nativerlhf() { ${NATIVERLHF:-dotnet run -c Release --project tools/nativerlhf --} "$@"; }
reward="exec:python3 $here/optimality.py"

# Mean optimality of 400 walks from each of the 20 starts, at temperature 1: its standard error is about 0.004.
measure() {
    nativerlhf generate --model "$1/final" --prompts $here/starts.jsonl --samples 400 --max-new-tokens 9 --json --seed 7 >"$1/walks.jsonl"
    echo "$1: $(python3 $here/optimality.py --mean "$1/walks.jsonl")"
}

mkdir -p "$out"
nativerlhf init --config $here/gpt.json --tokenizer $here/tokenizer --out "$out/new"
nativerlhf sft --model "$out/new" --data $here/walks.jsonl --config $here/sft.json --out "$out/sft"
measure "$out/sft"
for seed in "${@:-1}"; do
    nativerlhf raft --model "$out/sft/final" --reward "$reward" --prompts $here/starts.jsonl --config $here/raft.json --seed "$seed" --out "$out/raft-$seed"
    measure "$out/raft-$seed"
    for method in ppo grpo; do
        nativerlhf ppo --policy "$out/sft/final" --reward "$reward" --prompts $here/starts.jsonl --config $here/$method.json --seed "$seed" --out "$out/$method-$seed"
        measure "$out/$method-$seed"
    done
done
