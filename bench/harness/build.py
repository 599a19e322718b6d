"""Builds the servers, the limits, the driver and the peers; finds out which peers can be had."""

import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / ".build-bench"
BENCH = ROOT / "bench"
MESSAGES = ROOT / "Sources" / "CDatasyncMessages"
C_FLAGS = "-O2 -g -D_GNU_SOURCE -std=c11 -Wall -Wextra -Werror".split()
MESSAGE_SOURCES = [
    "datasync/v1/datasync", "google/rpc/status", "google/rpc/error_details",
    *(f"google/protobuf/{name}" for name in (
        "any", "descriptor", "duration", "empty", "field_mask", "timestamp", "wrappers")),
]
# Peer: the programs it needs, and the packages that have them.
PEERS = {
    "nghttpd": (["nghttpd", "h2load"], ["nghttp2-server", "nghttp2-client"]),
    "etcd": (["etcd"], ["etcd-server"]),
    "redis": (["redis-server"], ["redis-server"]),
    "nats": (["nats-server"], ["nats-server"]),
    "grpc": ([], ["libgrpc++-dev"]),
}
# Peer: why it cannot take part.
missing = {}


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def run(*command, **options):
    result = subprocess.run(
        [str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        **options)
    if result.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{result.stdout[-2000:]}{result.stderr[-4000:]}")
    return result.stdout


def is_installed(peer):
    programs, packages = PEERS[peer]
    if peer == "grpc":
        return subprocess.run(["pkg-config", "--exists", "grpc++"]).returncode == 0
    return all(shutil.which(name) or os.path.exists(f"/usr/sbin/{name}") for name in programs)


def install(peers):
    """Installs the packages of the peers that are missing; what fails is noted in `missing`."""
    wanted = [peer for peer in peers if not is_installed(peer)]
    if not wanted:
        return
    if not shutil.which("apt-get"):
        missing.update({peer: "this system has no apt" for peer in wanted})
        return
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive", RUNLEVEL="1")
    for peer in wanted:
        packages = PEERS[peer][1]
        say(f"installing {' '.join(packages)}")
        try:
            run(*as_root, "apt-get", "update", "-qq", env=environment, timeout=300)
            run(*as_root, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages,
                env=environment, timeout=600)
        except (RuntimeError, subprocess.TimeoutExpired, FileNotFoundError) as error:
            missing[peer] = f"cannot be installed: {str(error).strip().splitlines()[-1]}"
        if peer not in missing and not is_installed(peer):
            missing[peer] = "its package does not have the program"


def is_newer(target, sources):
    return target.exists() and all(
        source.stat().st_mtime < target.stat().st_mtime for source in sources)


def compile_c(name, sources, flags):
    target = OUT / name
    headers = list(BENCH.rglob("*.h"))
    if not is_newer(target, [*sources, *headers]):
        say(f"compiling {name}")
        run(os.environ.get("CC", "gcc"), *C_FLAGS, "-o", target, *sources, *flags)
    return target


def build_messages():
    """The objects of the contract's messages."""
    (OUT / "messages").mkdir(parents=True, exist_ok=True)
    objects = []
    for name in MESSAGE_SOURCES:
        source = MESSAGES / "generated" / f"{name}.pb-c.c"
        target = OUT / "messages" / f"{pathlib.Path(name).name}.o"
        if not is_newer(target, [source]):
            run("gcc", "-O2", "-w", "-c", f"-I{MESSAGES}/include", "-o", target, source)
        objects.append(target)
    return objects


def build_driver():
    return compile_c(
        "driver",
        [*sorted((BENCH / "driver").glob("*.c")), *sorted((BENCH / "common").glob("*.c"))],
        [f"-I{MESSAGES}/include", *build_messages(), "-lnghttp2", "-lprotobuf-c"])


def build_c():
    build_driver()
    common = sorted((BENCH / "common").glob("*.c"))
    limits = BENCH / "limits"
    nghttp2 = ["-lnghttp2"]
    compile_c("echo", [limits / "echo.c", limits / "h2server.c", *common], nghttp2)
    compile_c("hub", [limits / "hub.c", limits / "h2server.c", limits / "rows.c", *common],
              [*nghttp2, "-lsqlite3"])
    compile_c("sqlite_limit",
              [limits / "sqlite_limit.c", limits / "rows.c", BENCH / "common" / "util.c"],
              ["-lsqlite3"])
    compile_c("foreign", [BENCH / "foreign" / "foreign.c", BENCH / "common" / "util.c"],
              ["-lsqlite3"])


def build_grpc():
    if "grpc" in missing:
        return
    target, source = OUT / "grpc_echo", BENCH / "peers" / "grpc_echo.cc"
    if is_newer(target, [source]):
        return
    say("compiling grpc_echo")
    try:
        flags = run("pkg-config", "--libs", "grpc++").split()
        run("g++", "-O2", "-std=c++17", "-o", target, source, *flags)
    except RuntimeError as error:
        missing["grpc"] = str(error).strip().splitlines()[-1]


def swift_product(name):
    """The release build of a product, built now; DATASYNC_BENCH_BIN names a directory instead."""
    given = os.environ.get("DATASYNC_BENCH_BIN")
    if given:
        return pathlib.Path(given) / name
    say(f"building {name} in release mode")
    return pathlib.Path(run(ROOT / "tools" / "build", name).strip())
