#!/bin/bash
# What a grid costs against its cells run one by one, each from nothing.
#
#   bench/grid_bench.sh CRUDBENCH SAMPLES CORPUS [all]
#
# Plans and runs configs/experiments/grid.json (120 cells) once. Then cells alone, in a workspace of their
# own each: with `all` every one of them; otherwise one of each chunk size and retriever, at top_k 8
# and 2,048 tokens, whose sum counts ten times, since cells of one chunk size and retriever differ by
# what they hand over only.
set -euo pipefail

program=$(realpath "$1")
samples=$(realpath "$2")
corpus=$(realpath "$3")
cells=${4:-}
config=$(dirname "$(realpath "$0")")/../configs/experiments/grid.json
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# seconds WORKSPACE [--set …]…: what a run takes.
seconds() {
  local begin
  begin=$(date +%s.%N)
  "$program" run "$config" --quiet --workspace "$1" --set "/dataset/samples=$samples" \
    --set "/dataset/corpus=$corpus" "${@:2}" >&2
  echo "$begin $(date +%s.%N)" | awk '{ printf "%.2f", $2 - $1 }'
}

planned=$("$program" plan "$config" --json --workspace "$work/grid" \
  --set "/dataset/samples=$samples" --set "/dataset/corpus=$corpus" |
  python3 -c 'import json, sys
effort = json.load(sys.stdin)["effort"]
print(effort["seconds"], effort["bytes"])')
grid=$(seconds "$work/grid")
bytes=$(du -sb "$work/grid/kb" "$work/grid/crudbench.db" | awk '{ sum += $1 } END { print sum }')
echo "grid of 120 cells: $grid s"
awk -v planned="$planned" -v grid="$grid" -v bytes="$bytes" 'BEGIN {
  split(planned, said)
  printf "the plan said %.1f s, %.2f of it; %.2f GB, %.2f of it\n", said[1], said[1] / grid,
    said[2] / 1e9, said[2] / bytes
}'
sum=0
for size in 64 128 256 512; do
  for retriever in bm25 dense hybrid; do
    for top_k in $([ "$cells" = all ] && echo 1 2 4 8 16 || echo 8); do
      for max_tokens in $([ "$cells" = all ] && echo 512 2048 || echo 2048); do
        alone=$(seconds "$work/cell" --set "/chunker/size=$size" --set "/retriever/type=$retriever" \
          --set "/retriever/top_k=$top_k" --set "/context/max_tokens=$max_tokens")
        rm -rf "$work/cell"
        echo "  $size $retriever top_k $top_k, $max_tokens tokens, alone: $alone s"
        sum=$(awk -v a="$sum" -v b="$alone" 'BEGIN { print a + b }')
      done
    done
  done
done
[ "$cells" = all ] || sum=$(awk -v a="$sum" 'BEGIN { print 10 * a }')
awk -v grid="$grid" -v sum="$sum" \
  'BEGIN { printf "all 120 cells alone: %.0f s, %.1f times the grid\n", sum, sum / grid }'
