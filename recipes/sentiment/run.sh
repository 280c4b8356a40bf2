#!/bin/sh
# Sentiment continuation from nothing:   sh recipes/sentiment/run.sh RT_POLARITY_FOLDER GUTENBERG_FOLDER OUT   (from the root)
# NATIVERLHF names a built runner, if "dotnet run" is not to be used.
set -e
here=recipes/sentiment polarity=$1 books=$2 out=$3
nativerlhf() { ${NATIVERLHF:-dotnet run -c Release --project tools/nativerlhf --} "$@"; }

mkdir -p "$out"
python3 $here/prepare.py "$polarity" "$books" "$out"
nativerlhf tokenizer train --data "$books"/*.txt --vocab-size 1024 --out "$out/tokenizer"
nativerlhf init --config $here/gpt.json --tokenizer "$out/tokenizer" --out "$out/new"
nativerlhf pretrain --model "$out/new" --data "$books"/*.txt --config $here/pretrain.json --out "$out/pretrain"
nativerlhf reward --model "$out/pretrain/final" --data "$out/comparisons.jsonl" --eval-data "$out/held-out.jsonl" --config $here/reward.json --out "$out/reward"
nativerlhf ppo --policy "$out/pretrain/final" --reward "$out/reward/final" --prompts "$out/prompts.jsonl" --config $here/ppo.json --out "$out/ppo"
nativerlhf report "$out/ppo" --svg objective/scores,objective/kl=6,objective/kl_coef --out "$out/ppo/curve.svg"

# The first prompts, continued before and after.
head -5 "$out/prompts.jsonl" >"$out/first.jsonl"
for model in pretrain ppo; do
    echo "== $model"
    nativerlhf generate --model "$out/$model/final" --prompts "$out/first.jsonl" --max-new-tokens 24
done
