"""Proves from a system call trace that the log forgets only what is durable elsewhere.

trace_order.py TRACE STORE_DIRECTORY WAL_DIRECTORY

TRACE is `strace -f -y` output of a server that was flushed while nothing was being taken in. Whenever
a log segment is recycled (renamed, removed, truncated, or overwritten at its start), every file that
was written under STORE must have been synced since its last write, and every directory that got a
new name must have been synced since. Prints how many recycles and syncs it saw.
"""
import os
import re
import sys

trace, store, wal = sys.argv[1:]
store, wal = os.path.realpath(store), os.path.realpath(wal)
call = re.compile(r"^(?:\d+ +)?(?:\[pid +\d+\] )?(\w+)\((.*)\) += (-?\d+)(.*)$")
started = re.compile(r"^(?:\d+ +)?(?:\[pid +\d+\] )?(\w+)\((.*) <unfinished \.\.\.>$")
resumed = re.compile(r"^(?:\d+ +)?(?:\[pid +\d+\] )?<\.\.\. (\w+) resumed>(.*)\) += (-?\d+)(.*)$")
thread = re.compile(r"^(?:(\d+) +)?(?:\[pid +(\d+)\] )?")

inode = {}  # path -> identity of its content; a link gives a second name
dirty_files = set()
dirty_names = set()  # names that their directory was not synced with yet
next_identity = 0
recycles = syncs = files = 0


def identity(path):
    global next_identity
    if path not in inode:
        next_identity += 1
        inode[path] = next_identity
    return inode[path]


def inside(path, directory):
    return path == directory or path.startswith(directory + "/")


def named(path):
    """A new name appeared: its directory must be synced."""
    if inside(path, store):
        dirty_names.add(path)


def recycled(what):
    global recycles
    recycles += 1
    unsynced = [path for path, number in inode.items() if number in dirty_files and inside(path, store)]
    if unsynced or dirty_names:
        raise SystemExit(f"{what}: not durable yet: files {unsynced}, names {sorted(dirty_names)}")


def descriptor(arguments):
    found = re.match(r"\d+<([^>]*)>", arguments)
    return found[1].removesuffix(" (deleted)") if found else None


def strings(arguments):
    return [text.encode().decode("unicode_escape").encode("latin1").decode() for text in re.findall(r'"((?:[^"\\]|\\.)*)"', arguments)]


def seen(name, arguments, rest):
    global syncs, files
    if name in ("fsync", "fdatasync"):
        path = descriptor(arguments)
        if path and (inside(path, store) or path == os.path.dirname(store)):
            syncs += 1
            dirty_names.difference_update([name for name in dirty_names if os.path.dirname(name) == path])
            dirty_files.discard(identity(path))
    elif name in ("write", "pwrite64", "writev", "pwritev", "pwritev2", "ftruncate", "fallocate"):
        path = descriptor(arguments)
        if path and inside(path, store):
            dirty_files.add(identity(path))
        if path and inside(path, wal) and name == "ftruncate":
            recycled(f"truncated {path}")
    elif name == "openat" and "O_CREAT" in arguments:
        path = re.search(r"<([^>]*)>", rest)
        if path and inside(path[1], store):
            files += 1
            inode.pop(path[1], None)
            dirty_files.add(identity(path[1]))
            named(path[1])
    elif name in ("link", "linkat", "rename", "renameat", "renameat2"):
        old, new = (os.path.realpath(path) if os.path.isabs(path) else path for path in strings(arguments)[:2])
        if inside(new, store):
            inode[new] = identity(old)
            named(new)
        if name.startswith("rename"):
            inode.pop(old, None)
            dirty_names.discard(old)
            if inside(old, wal) and old.endswith(".log"):
                recycled(f"renamed {old}")
    elif name in ("mkdir", "mkdirat"):
        paths = strings(arguments)
        if paths and inside(paths[0], store):
            named(paths[0])
    elif name in ("unlink", "unlinkat"):
        paths = strings(arguments)
        if paths:
            number = inode.pop(paths[0], None)
            dirty_names.discard(paths[0])
            if number is not None and number not in inode.values():
                dirty_files.discard(number)
            if inside(paths[0], wal) and paths[0].endswith(".log"):
                recycled(f"removed {paths[0]}")


waiting = {}
for line in open(trace, encoding="utf-8", errors="replace"):
    who = next((number for number in thread.match(line).groups() if number), "0")
    if match := resumed.match(line):
        name, more, result, rest = match.groups()
        if int(result) >= 0 and (who, name) in waiting:
            seen(name, waiting.pop((who, name)) + more, rest)
    elif match := started.match(line):
        waiting[(who, match[1])] = match[2]
    elif match := call.match(line):
        name, arguments, result, rest = match.groups()
        if int(result) >= 0:
            seen(name, arguments, rest)

if recycles == 0 or syncs == 0 or files == 0:
    raise SystemExit(f"the trace shows nothing: {recycles} recycles, {syncs} syncs, {files} files")
print(f"order proved: {recycles} recycles after {syncs} syncs of {files} created files")
