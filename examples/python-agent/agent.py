"""A service that takes Watchgate's commands, with nothing but Python's standard library."""

import json, os, signal, ssl, sys, threading, time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

URL, TOKEN, SERVICE = os.environ["WATCHGATE_URL"], os.environ["WATCHGATE_TOKEN"], "sample-service"
TLS = ssl.create_default_context(cafile=os.environ.get("WATCHGATE_CA"))
class LeaseLost(Exception): "Somebody else has the command, or it has ended: whatever is done for it stops."

def call(path, body, timeout=5):  # what may pass (no answer, 404, 409, 429, 5xx, …) is sent again for 20 seconds
    headers, end = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}, time.monotonic() + 20
    while True:
        try:
            with urlopen(Request(URL + path, json.dumps(body).encode(), headers), timeout=timeout, context=TLS) as answer:
                return json.loads(answer.read(1 << 20) or "{}")
        except OSError as error:
            status, problem = (error.code, error.read(1 << 16)) if isinstance(error, HTTPError) else (503, b"")
            if b"problem:stale-fence" in problem or b"problem:wrong-state" in problem: raise LeaseLost from error
            if status < 500 and status not in (401, 404, 408, 409, 429) or time.monotonic() > end: raise
            time.sleep(1)

class Work:  # one command; whoever carries it out may `write`, and looks whether `stop` is set
    def __init__(self, command, fence, **_):
        self.command, self.fence, self.output, self.sent = command, fence, b"", 0
        self.stop, self.done, self.lost = threading.Event(), threading.Event(), False
    def tell(self, what, **body): return call(f"/v1/commands/{self.command['id']}/{what}", {"fence": self.fence, **body})
    def write(self, text): self.output += text.encode()[: (1 << 20) - len(self.output)]
    def send_output(self):  # in pieces of at most 16 KiB, cut between characters; what arrives twice is kept once
        while piece := self.output[self.sent : self.sent + (1 << 14)].decode(errors="ignore"):
            try: self.tell("output", offset=self.sent, text=piece)
            except HTTPError: self.sent = 1 << 20  # the service takes none: the result counts
            self.sent += len(piece.encode())
    def keep_alive(self):  # a lease that nobody extends is lost after 30 s; then the work has to stop
        try:
            while not self.done.wait(1):
                if self.tell("heartbeat").get("stop"): self.stop.set()
                self.send_output()
        except Exception: self.lost = True; self.stop.set()

def carry_out(work):  # your own work in place of this
    for step in ("stopping", "starting", "looking at"):
        if work.stop.wait(0.5): return {"outcome": "canceled", "message": f"stopped before {step}"}
        work.write(f"{step} {work.command['parameters'].get('worker')}\n")
    return {"outcome": "succeeded", "result": {"restarted": work.command["parameters"].get("worker")}}

ending = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: ending.set() if threading.active_count() > 1 else sys.exit())
while not ending.is_set():
    try:
        lease = call(f"/v1/services/{SERVICE}/commands:lease", {"wait_seconds": 25}, timeout=35)
        if not lease: time.sleep(1); continue  # nothing came; a service that ends says so at once
        work = Work(**lease)
        work.tell("heartbeat")  # nothing is begun before the service knows
        beats = threading.Thread(target=work.keep_alive); beats.start()
        try: ended = carry_out(work) if not work.command.get("dry_run") else {"outcome": "failed", "message": "no dry run"}
        except Exception as error: ended = {"outcome": "failed", "message": repr(error)}
        finally: work.done.set(); beats.join()
        if not work.lost: work.send_output(); work.tell("result", **ended); print(SERVICE, ended, flush=True)
    except Exception as error: print(SERVICE, repr(error), file=sys.stderr); time.sleep(5)
