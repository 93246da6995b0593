#!/usr/bin/env python3
"""Runs a command and writes what it took, its children included.

usage: extract_measured.py RESULT.json LOG COMMAND...   (LOG takes what the command writes to stderr)

Memory is the greatest sum over the whole tree of processes, asked every tenth of a second: `memory_kib` of what each has for
itself and its share of what several have (PSS), `rss_kib` of their resident sets, `largest_rss_kib` of the largest single process.
`land` says what had been reached when a log line told that the stage of that name was over.
"""

import json
import os
import re
import resource
import subprocess
import sys
import threading
import time


def tree(root):
    """The process and all below it."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    parents.setdefault(int(file.read().rpartition(")")[2].split()[1]), []).append(int(name))
            except OSError:
                pass
    found, open_ = [], [root]
    while open_:
        process = open_.pop()
        found.append(process)
        open_.extend(parents.get(process, []))
    return found


def held(process):
    """Kibibytes of one process: PSS and RSS; nothing where it has just ended."""
    amounts = {}
    try:
        with open(f"/proc/{process}/smaps_rollup") as file:
            for line in file:
                name, _, rest = line.partition(":")
                if name in ("Pss", "Rss"):
                    amounts[name] = int(rest.split()[0])
    except OSError:
        pass
    return amounts.get("Pss", 0), amounts.get("Rss", 0)


def used(process):
    """Seconds of CPU of one process so far."""
    with open(f"/proc/{process}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Peak:
    def __init__(self):
        self.memory = self.rss = self.largest = self.processes = 0
        self.began = time.monotonic()
        self.at_land = None

    def sample(self, root):
        amounts = [held(process) for process in tree(root)]
        self.memory = max(self.memory, sum(pss for pss, _ in amounts))
        self.rss = max(self.rss, sum(rss for _, rss in amounts))
        self.largest = max(self.largest, *(rss for _, rss in amounts))
        self.processes = max(self.processes, len(amounts))

    def copy(self, root, lines, log):
        """Copies log lines and looks out for the end of landing."""
        for line in lines:
            log.write(line)
            if b"stage_finished" in line and re.search(rb"stage=.?land\b", line):
                elapsed = re.search(rb"elapsed_ms=(\d+)", line)
                self.at_land = {"seconds": int(elapsed[1]) / 1000, "cpu": used(root), "memory_kib": self.memory}


def main():
    result_file, log_file, command = sys.argv[1], sys.argv[2], sys.argv[3:]
    peak = Peak()
    with open(log_file, "wb") as log, subprocess.Popen(command, stderr=subprocess.PIPE) as running:
        copying = threading.Thread(target=peak.copy, args=(running.pid, running.stderr, log))
        copying.start()
        while running.poll() is None:
            peak.sample(running.pid)
            time.sleep(0.1)
        copying.join()
    wall = time.monotonic() - peak.began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = {
        "wall": wall,
        "cpu": used.ru_utime + used.ru_stime,
        "memory_kib": peak.memory,
        "rss_kib": peak.rss,
        "largest_rss_kib": peak.largest,
        "processes": peak.processes,
        "land": peak.at_land,
    }
    with open(result_file, "w") as file:
        json.dump(result, file)
    sys.exit(running.returncode)


if __name__ == "__main__":
    main()
