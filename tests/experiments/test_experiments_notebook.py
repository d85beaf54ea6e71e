"""The notebook runs from start to end on a finished run, and its two files say the same."""

from pathlib import Path
from typing import Any

import pytest
from conftest import FinishedRun

pytestmark = pytest.mark.slow

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
NAME = "01_what_evolved"


def test_both_files_of_the_pair_hold_the_same_cells() -> None:
    import jupytext

    script = jupytext.read(NOTEBOOKS / f"{NAME}.py")
    notebook = jupytext.read(NOTEBOOKS / f"{NAME}.ipynb")
    cells = [[(cell.cell_type, cell.source) for cell in each.cells] for each in (script, notebook)]
    assert cells[0] == cells[1], "jupytext --sync notebooks/01_what_evolved.py"
    assert not any(cell.get("outputs") for cell in notebook.cells), "outputs are not committed"


@pytest.fixture(scope="module")
def executed(finished: FinishedRun) -> Any:
    """The notebook with its outputs, run in a kernel of its own."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOKS / f"{NAME}.ipynb", as_version=4)
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(NOTEBOOKS)}})
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HMS_RUNS", str(finished.runs))
        environment.setenv("HMS_RUN", finished.run.id)
        client.execute()
    return notebook


def outputs_of(notebook: Any, kind: str) -> list[str]:
    return [
        str(output["data"][kind])
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if kind in output.get("data", {})
    ]


def test_every_cell_runs_and_none_complains(executed: Any) -> None:
    code = [cell for cell in executed.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    kinds = {output.output_type for cell in code for output in cell.outputs}
    assert kinds <= {"execute_result", "display_data"}, "no error, nothing on stderr"


def test_it_shows_closing_front_convergence_and_timeline(executed: Any) -> None:
    assert len(outputs_of(executed, "image/png")) == 4


def test_it_says_what_the_closing_table_says(executed: Any, finished: FinishedRun) -> None:
    told = " ".join(outputs_of(executed, "text/markdown"))
    assert finished.run.closing.gate.sentence in told
    assert finished.run.id in told
