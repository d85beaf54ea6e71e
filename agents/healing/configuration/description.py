"""What a component or a dependency is, in the words that a policy's overrides know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hms.agents.policy.policy_file import WHERE
from hms.agents.policy.policy_values import Problem, unknown
from hms.errors import ConfigRefused


def require_described(where: Mapping[str, object], arguments: Iterable[str] = ()) -> None:
    """Refuse a word that no override could name: a mistyped argument, most of the time.

    Args:
        where: kind, criticality, level, edge, protocol.
        arguments: what else the caller takes by name, to say what was meant.

    Raises:
        ConfigRefused: all that is unknown, each with its nearest legal word.
    """
    problems: list[Problem] = []
    for key, value in where.items():
        legal = WHERE.get(key)
        if legal is None:
            problems.append(unknown((key,), "argument", key, [*arguments, *WHERE]))
        elif not isinstance(value, str) or (legal and value not in legal):
            problems.append(unknown((key,), key, value, legal))
    if problems:
        raise ConfigRefused(problems)
