"""SQLAlchemy: connecting and executing are guarded, errors are told apart.

    db = guard_engine(healing, engine)
    healing.register_strategy(Reconnect(db.reconnect))

Guarded are new connections and every statement; not COMMIT and ROLLBACK, since a transaction
that stands must be let end. Statements are made once; connecting goes through all stages, so
also retries, where the policy asks for them.

What an error says of the database (`database_failed`):

| failure | a lost connection, nobody listening, disk full, locked, out of memory, shut down, |
|         | a statement that took too long |
| neutral | constraints, types, syntax, missing tables, rights, a deadlock or serialisation |
|         | failure (repeat the transaction), and our own pool being empty: no call was made |

An engine that was built with `creator=` makes its connections itself: they are not guarded, its
statements are.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from hms.errors import ConfigRefused, MissingError

if TYPE_CHECKING:
    from hms.agents.healing.calls.guard import Guard
    from hms.agents.healing.standalone import StandaloneSelfHealing

try:
    import sqlalchemy
    from sqlalchemy import event, exc
except ImportError as error:
    raise MissingError(
        "SQLAlchemy is not installed\n    expected: pip install 'hms-healing[store]'"
    ) from error

_UNGUARDED: ContextVar[bool] = ContextVar("hms unguarded", default=False)
SQLITE_PLAIN_ERROR = 1  # SQLITE_ERROR: syntax, a table that is missing: the statement's fault
REPEAT_TRANSACTION = "40"  # class of SQLSTATE: serialisation failure, deadlock
DEPENDENCY_KINDS = ("OperationalError", "InterfaceError", "InternalError")
"""The DB-API's names (PEP 249) for what is not the statement's fault; drivers subclass them."""


def database_failed(error: BaseException) -> bool:
    """Whether an error says that the database is ill; of SQLAlchemy's or of a driver's own."""
    if isinstance(error, exc.TimeoutError):  # of the pool
        return False
    if isinstance(error, exc.DBAPIError):
        if error.connection_invalidated:
            return True
        return error.orig is not None and database_failed(error.orig)
    if isinstance(error, OSError):  # a driver that lets the socket's error through
        return True
    kinds = {each.__name__ for each in type(error).__mro__}
    if not kinds.intersection(DEPENDENCY_KINDS):
        return False
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return bool(code & 0xFF != SQLITE_PLAIN_ERROR)
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or ""
    return not str(state).startswith(REPEAT_TRANSACTION)


class GuardedEngine:
    """What `guard_engine` put around an engine; `release()` takes it off.

    Args:
        guard: of the database.
        engine: that asks it.
    """

    def __init__(self, guard: Guard, engine: sqlalchemy.Engine) -> None:
        self.guard = guard
        self.engine = engine
        self._listening: tuple[tuple[str, Callable[..., Any]], ...] = (
            ("do_connect", self._connect),
            ("do_execute", self._execute),
            ("do_executemany", self._execute_many),
            ("do_execute_no_params", self._execute_without),
        )
        for each in self._listening:
            event.listen(engine, *each)

    def release(self) -> None:
        """Guard no longer."""
        for each in self._listening:
            event.remove(self.engine, *each)

    def reconnect(self) -> bool:
        """For `Reconnect`: drop the pool's connections, make one, and see whether it answers.

        It asks although the breaker is open: that it answers is what is to be found out.
        """
        token = _UNGUARDED.set(True)
        try:
            self.engine.dispose()
            with self.engine.connect() as connection:
                return connection.scalar(sqlalchemy.select(1)) == 1
        except exc.DBAPIError:
            return False
        finally:
            _UNGUARDED.reset(token)

    def _connect(self, dialect: Any, record: Any, args: list[Any], named: dict[str, Any]) -> Any:
        if _UNGUARDED.get():
            return dialect.connect(*args, **named)
        return self.guard.call(dialect.connect, *args, **named)

    def _execute(self, cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        return self._guarded(context.dialect.do_execute, cursor, statement, parameters, context)

    def _execute_many(self, cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        many = context.dialect.do_executemany
        return self._guarded(many, cursor, statement, parameters, context)

    def _execute_without(self, cursor: Any, statement: str, context: Any) -> bool:
        return self._guarded(context.dialect.do_execute_no_params, cursor, statement, context)

    def _guarded(self, execute: Callable[..., Any], *given: Any) -> bool:
        """Execute once; True tells SQLAlchemy that it is done."""
        if _UNGUARDED.get():
            execute(*given)
            return True
        with self.guard:
            execute(*given)
        return True


def guard_engine(
    healing: StandaloneSelfHealing,
    engine: sqlalchemy.Engine,
    dependency: str = "db",
    **settings: Any,
) -> GuardedEngine:
    """Guard what an engine asks of its database.

    Args:
        healing: the instance.
        engine: with a pool of any kind.
        dependency: the database's name.
        **settings: of the guard, as `healing.guard` takes them.

    Raises:
        ConfigRefused: an AsyncEngine, or the name is guarded already with other settings.
        BreakerOpen: (when connecting or executing) it was not done.
    """
    if not isinstance(engine, sqlalchemy.Engine):
        raise ConfigRefused(
            f"{type(engine).__name__} is no sqlalchemy.Engine\n    expected: an Engine; for an "
            "AsyncEngine: healing.guard(name, count=database_failed) around your coroutines"
        )
    guard = healing.guard(dependency, **{"count": database_failed, **settings})
    return GuardedEngine(guard, engine)
