"""JUnit XML, which every CI server reads: a test case for each expectation and for each rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree

from hms.experiments.check.expectation_text import again_text, share_text
from hms.experiments.check.expectations import Tested
from hms.experiments.check.review import Review
from hms.experiments.check.rules import RULES
from hms.experiments.check.text import cost_text

SUITES = "hms check"


def junit_text(suites: Iterable[ElementTree.Element]) -> str:
    """The whole file."""
    root = ElementTree.Element("testsuites", name=SUITES)
    root.extend(suites)
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def expectations_suite(
    name: str, policy: str, tested: Sequence[Tested], again: Sequence[str]
) -> ElementTree.Element:
    """A case for each expectation."""
    cases = []
    for each in tested:
        case = ElementTree.Element("testcase", classname=f"{name}.{policy}", name=each.name)
        if each.missed:
            worst = each.worst
            message = f"expected {each.expected}, got {worst.got}"
            failure = ElementTree.SubElement(case, "failure", message=_clean(message))
            where = f"where {worst.where}\n" if worst.where else ""
            where += f"stated {each.where}\n" if each.where.file else ""
            failure.text = _clean(
                f"{message}{share_text(each)}\n{where}again {again_text(again, worst.seed)}"
            )
        cases.append(case)
    return _suite(f"{name} under {policy}", cases)


def review_suite(review: Review, strict: bool) -> ElementTree.Element:
    """A case for each rule; its findings are failures where they are to fail the check."""
    name = review.system.scenario.name
    cases = []
    for rule in RULES.values():
        case = ElementTree.Element("testcase", classname=f"{name}.review", name=rule.name)
        found = [each for each in review.proven if each.rule == rule.name]
        told = "\n".join(
            f"{each.where}: {each.subject}: {each.says}"
            f"; costs {cost_text(each.cost) if each.cost else 'nothing'}"
            for each in found
        )
        if found and strict:
            failure = ElementTree.SubElement(case, "failure", message=_clean(rule.title))
            failure.text = _clean(told)
        elif found:
            ElementTree.SubElement(case, "system-out").text = _clean(told)
        cases.append(case)
    return _suite(f"{name}, today's settings", cases)


def _suite(name: str, cases: Sequence[ElementTree.Element]) -> ElementTree.Element:
    failures = sum(case.find("failure") is not None for case in cases)
    suite = ElementTree.Element(
        "testsuite", name=_clean(name), tests=str(len(cases)), failures=str(failures), errors="0"
    )
    suite.extend(cases)
    return suite


def _clean(text: str) -> str:
    """Without control characters, which XML 1.0 may not hold: names come from files."""
    return "".join(c for c in text if c in "\n\t" or c.isprintable())
