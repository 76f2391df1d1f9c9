"""A back end that knows nothing of tokens: it answers every request with the headers it was given, as JSON."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Echo(BaseHTTPRequestHandler):
    """Answers GET and PUT alike."""

    def do_GET(self):
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}, indent=1).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_GET

    def log_message(self, *_):
        """Standard output carries the port and nothing else."""


server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
print(server.server_port, flush=True)
server.serve_forever()
