"""Signals as exceptions, noted, or delayed."""

import os
import signal

import pytest

from hms.experiments.interruption import (
    Terminated,
    delayed,
    exit_code,
    terminable,
    uninterrupted,
)


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


def test_sigterm_is_an_exception_only_where_asked() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated), terminable():
        send(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_exit_codes_are_those_of_a_shell() -> None:
    assert (exit_code(KeyboardInterrupt()), exit_code(Terminated())) == (130, 143)


def test_signals_during_clean_up_are_noted_and_not_raised() -> None:
    with terminable(), uninterrupted() as arrived:
        send(signal.SIGINT)
        send(signal.SIGTERM)
    assert arrived == [signal.SIGINT, signal.SIGTERM]


def test_a_delayed_signal_is_raised_once_the_work_is_done() -> None:
    done = False
    with pytest.raises(Terminated), terminable(), delayed():
        send(signal.SIGTERM)
        done = True
    assert done


def test_a_signal_delayed_within_clean_up_stays_noted() -> None:
    with uninterrupted() as arrived, delayed():
        send(signal.SIGINT)
    assert arrived == [signal.SIGINT]


def test_an_error_of_the_work_itself_comes_before_a_signal() -> None:
    with pytest.raises(ValueError, match="its own"), delayed():
        send(signal.SIGINT)
        raise ValueError("its own")
