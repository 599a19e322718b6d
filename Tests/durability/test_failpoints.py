"""Every failpoint has a name, and stands in README.md; nothing else does."""

import pathlib
import re

import preload
import test_faults

TESTS = pathlib.Path(__file__).resolve().parents[1]
SOURCES = TESTS.parent / "Sources"


def listed(heading):
    """The names in the first column of the table under a heading."""
    text = (TESTS / "durability" / "README.md").read_text()
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    names = re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)
    assert len(names) == len(set(names)), "a name stands twice"
    return set(names)


def swift_values(path):
    """The raw values of an enum's cases."""
    return set(re.findall(r'^\s*case \w+ = "([^"]+)"', path.read_text(), re.MULTILINE))


def test_the_page_lists_every_failpoint_and_no_other():
    preloaded = {
        *test_faults.CASES, *test_faults.START_CASES, *test_faults.CHECKPOINT_CASES,
    }
    vfs = swift_values(TESTS / "DatasyncStoreTests" / "Fault" / "FaultPoint.swift")
    assert listed("Failpoints") == {"kill", "power", *preloaded, *vfs}


def test_everything_that_the_libraries_can_fail_is_failed_by_a_test():
    source = (TESTS / "durability" / "faults.c").read_text()
    kinds = re.search(r"enum \{ WRITE = 1, (.*?), KINDS", source)[1].split(", ")
    assert len(kinds) + 1 == len(preload.KINDS)
    named = {name.rsplit("-", 1)[0] for name in listed("Failpoints")}
    assert preload.KINDS.keys() <= named
    header = (TESTS / "CDatasyncFaultVFS" / "include" / "CDatasyncFaultVFS.h").read_text()
    points = set(re.findall(r"\bFAULT_[A-Z]+\b", header)) - {"FAULT_POINTS"}
    used = (TESTS / "DatasyncStoreTests" / "Fault" / "FaultPoint.swift").read_text()
    assert points == set(re.findall(r"\bFAULT_[A-Z]+\b", used))


def test_the_page_lists_every_promise_that_can_be_broken():
    store = swift_values(SOURCES / "DatasyncStore" / "Fault" / "StoreFault.swift")
    server = swift_values(SOURCES / "DatasyncServer" / "Fault" / "FaultSwitch.swift")
    assert not store & server
    assert listed("Broken on purpose") == store | server


def test_every_promise_that_can_be_broken_is_broken_by_a_test():
    tests = ["oracle/test_faults.py", "oracle/test_policies.py", "durability/test_linearizability.py"]
    text = "".join((TESTS / name).read_text() for name in tests)
    for name in listed("Broken on purpose"):
        assert f'"{name}"' in text, f"nothing tests {name}"
