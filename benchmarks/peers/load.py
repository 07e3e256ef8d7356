"""Load by wrk: one thread on a core of its own, connections kept, requests written before the clock starts."""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.documents import CUSTOMER, NUMBER, ORDER, Dialect, filled
from benchmarks.peers.processes import OTHERS_CORE, Running

TIMEOUT_S = 10
SCRIPT = """
local bodies = {}
for line in io.lines([==[%(bodies)s]==]) do bodies[#bodies + 1] = line end
local headers = %(headers)s
local is_written = %(is_written)s
local ready, place, run, made, threads = {}, 0, "", 0, {}
wrong, first_wrong = 0, ""

function setup(thread) threads[#threads + 1] = thread end

function init(arguments)
  run = arguments[1]
  for index, body in ipairs(bodies) do
    ready[index] = is_written and body or wrk.format("POST", "/graphql", headers, body)
  end
  if arguments[2] == "check" then
    response = function(status, _, body)
      if status ~= 200 or body:find('"errors"', 1, true) or not body:find('"data"', 1, true) then
        wrong, first_wrong = wrong + 1, body:sub(1, 300)
      end
    end
  end
end

local function numbered(body)
  made = made + 1
  return (body:gsub("%(number)s", "M-" .. run .. "-" .. made))
end

function request()
  place = place %% #ready + 1
  if is_written then return wrk.format("POST", "/graphql", headers, numbered(ready[place])) end
  return ready[place]
end

function done(summary, latency)
  local errors = summary.errors
  local broken = errors.timeout + errors.read + errors.connect + errors.write
  io.write(string.format("RESULT %%d %%d %%d %%d %%d %%d %%d %%d\\n", summary.requests, summary.duration, summary.bytes,
    latency:percentile(50), latency:percentile(99), errors.status, broken, threads[1]:get("wrong")))
  io.write("WRONG " .. threads[1]:get("first_wrong") .. "\\n")
end
"""


@dataclass(frozen=True)
class Target:
    """Whom a request is about: an id of a customer and of an order of theirs, as the server spells both."""

    customer: str
    order: str


@dataclass(frozen=True)
class Outcome:
    """What one run brought."""

    requests: int
    seconds: float
    bytes_each: float
    p50_ms: float
    p99_ms: float
    errors: int
    first_wrong: str

    @property
    def rate(self) -> float:
        """Return requests a second."""
        return self.requests / self.seconds


def require_wrk() -> str:
    """Return where wrk is. Raises `RuntimeError` where it is not."""
    found = shutil.which("wrk")
    if found is None or shutil.which("taskset") is None:
        message = "wrk and taskset are needed (Debian, Ubuntu: apt-get install wrk util-linux)"
        raise RuntimeError(message)
    return found


def write_script(
    folder: Path, name: str, dialect: Dialect, operation: str, targets: Sequence[Target], headers: Mapping[str, str]
) -> Path:
    """Write what wrk sends to a server for an operation; return the script."""
    variables = dialect.variables.get(operation)
    bodies = []
    for target in targets if variables else targets[:1]:
        body: dict[str, object] = {"query": dialect.documents[operation]}
        if variables:
            body["variables"] = filled(variables, {CUSTOMER: target.customer, ORDER: target.order})
        bodies.append(json.dumps(body))
    place = folder / f"{name}_{operation}.json"
    place.write_text("\n".join(bodies) + "\n", encoding="utf-8")
    sent = {"Content-Type": "application/json", "Accept": "application/json"} | dict(headers)
    script = folder / f"{name}_{operation}.lua"
    named = {"number": NUMBER, "bodies": place}
    table = "{" + ", ".join(f"[{json.dumps(key)}] = {json.dumps(value)}" for key, value in sent.items()) + "}"
    is_written = "true" if operation.startswith("M") else "false"
    script.write_text(SCRIPT % (named | {"headers": table, "is_written": is_written}), encoding="utf-8")
    return script


def run(server: Running, script: Path, *, connections: int, seconds: float, name: str, is_checked: bool) -> Outcome:
    """Send requests for so long; with `is_checked` each answer is looked at, which slows the generator.

    `name` is one that no other run has: the numbers of what is written are made of it.
    """
    command = ["taskset", "-c", str(OTHERS_CORE), require_wrk(), "-t1", f"-c{connections}", f"-d{_duration(seconds)}"]
    command += ["--timeout", f"{TIMEOUT_S}s", "-s", str(script), server.address, "--", name]
    command += ["check"] if is_checked else []
    answer = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, check=False, timeout=seconds + 6 * TIMEOUT_S
    )
    found = re.search(r"RESULT (.+)", answer.stdout)
    if found is None:
        message = f"wrk failed: {answer.stdout}{answer.stderr}"
        raise RuntimeError(message)
    requests, micros, size, p50, p99, *errors = (int(each) for each in found[1].split())
    wrong = re.search(r"WRONG (.*)", answer.stdout)
    return Outcome(
        requests=requests,
        seconds=micros / 1e6,
        bytes_each=size / max(requests, 1),
        p50_ms=p50 / 1_000,
        p99_ms=p99 / 1_000,
        errors=sum(errors),
        first_wrong=wrong[1] if wrong else "",
    )


def _duration(seconds: float) -> str:
    """Return whole seconds, which is all that wrk knows."""
    return f"{max(1, round(seconds))}s"
