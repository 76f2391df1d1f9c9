#!/usr/bin/env bash
# Asks the example company's questions by words alone, and then with embeddings of a small model that runs here.
#
#   scripts/eval.sh PART [option of `watchgate eval` ...]
set -euo pipefail
cd "$(dirname "$0")/.."
part=$1
shift
company=examples/company
out=target/bench
mkdir -p "$out"

ask() {
  target/release/watchgate eval $company/questions.jsonl --documents $company/documents --documents $company/code \
    --runbooks $company/runbooks --part "$part" "$@"
}

work=$(mktemp -d)
# The server ends when nobody holds its standard input any more.
coproc server { exec .tools/embedder/bin/python tests/embedding-server/server.py; }
trap 'exec {server[1]}>&-; rm -rf "$work"' EXIT
read -r _ _ address <&"${server[0]}"
cat >"$work/assistant.yaml" <<YAML
embeddings:
  baseUrl: $address
  model: all-MiniLM-L6-v2
  # Other programs run on this machine too, and what is measured is the answers.
  questionTimeoutMilliseconds: 5000
  cacheFile: $out/embeddings.cache
  allowedNetworks: [127.0.0.0/8]
YAML

echo "part $part, documents alone"
ask --json "$work/documents.json" "$@"
echo "part $part, with embeddings (all-MiniLM-L6-v2)"
ask --assistant "$work/assistant.yaml" --json "$work/embeddings.json" "$@"
python3 - "$work" "$part" >"$out/eval.json" <<'PYTHON'
import json, pathlib, sys
work = pathlib.Path(sys.argv[1])
read = lambda name: json.loads((work / f"{name}.json").read_text(encoding="utf-8"))
json.dump({"part": sys.argv[2], "documents": read("documents"), "embeddings": read("embeddings")}, sys.stdout, indent=2)
PYTHON
echo "written to $out/eval.json"
