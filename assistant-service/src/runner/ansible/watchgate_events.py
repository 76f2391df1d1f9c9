# What a playbook does, a line of JSON for each thing, in the file that WATCHGATE_EVENTS names. The runner reads it as it
# grows, and a runner that was killed finds there how far the playbook came.
from __future__ import annotations

DOCUMENTATION = """
    name: watchgate_events
    type: stdout
    short_description: events of a playbook as lines of JSON
    description: Writes what a playbook does as lines of JSON into the file that WATCHGATE_EVENTS names.
"""

import ctypes
import json
import os
import signal

from ansible.plugins.callback import CallbackBase

LARGEST_TEXT = 2000
LARGEST_FILE = 4 * 1024 * 1024
PR_SET_PDEATHSIG = 1


def die_with(parent):
    """Nothing of a playbook outlives who started it: neither this process nor the workers that it forks."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def shortened(value):
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= LARGEST_TEXT else text[:LARGEST_TEXT] + "…"


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "watchgate_events"

    def __init__(self):
        super().__init__()
        die_with(int(os.environ["WATCHGATE_RUNNER"]))
        this = os.getpid()
        os.register_at_fork(before=lambda: None, after_in_child=lambda: die_with(this))
        self.file = os.open(os.environ["WATCHGATE_EVENTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.written = 0

    def tell(self, event, **members):
        line = (json.dumps({"event": event, **members}) + "\n").encode()
        # The end is always told: it is what tells a playbook that was done from one that broke off.
        if event != "end" and self.written + len(line) > LARGEST_FILE:
            return
        self.written += len(line)
        os.write(self.file, line)

    def result(self, status, result):
        said = {}
        values = result._result
        if not values.get("_ansible_no_log") and "censored" not in values:
            text = values.get("msg") or values.get("stderr") or ""
            if text and status in ("failed", "unreachable"):
                said["text"] = shortened(text)
        self.tell("result", host=result._host.get_name(), task=shortened(result._task.get_name()), status=status, **said)

    def v2_playbook_on_play_start(self, play):
        self.tell("play", name=shortened(play.get_name()))

    def v2_playbook_on_task_start(self, task, is_conditional):
        self.tell("task", name=shortened(task.get_name()))

    def v2_playbook_on_handler_task_start(self, task):
        self.tell("task", name=shortened(task.get_name()))

    def v2_runner_on_ok(self, result):
        self.result("changed" if result._result.get("changed") else "ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.result("ignored" if ignore_errors else "failed", result)

    def v2_runner_on_unreachable(self, result):
        self.result("unreachable", result)

    def v2_runner_on_skipped(self, result):
        self.result("skipped", result)

    def v2_on_file_diff(self, result):
        values = result._result
        if values.get("_ansible_no_log") or not values.get("diff"):
            return
        self.tell("diff", host=result._host.get_name(), text=shortened(self._get_diff(values["diff"])))

    def v2_playbook_on_no_hosts_matched(self):
        self.tell("no_hosts")

    def v2_playbook_on_stats(self, stats):
        hosts = {host: stats.summarize(host) for host in sorted(stats.processed)}
        self.tell("end", hosts=hosts)
