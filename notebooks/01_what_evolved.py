# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What evolved
#
# A run of the main job, looked at: did evolution find a better healing policy than the stacks it
# was compared with, what did it cost, and what does it do in a failure it had never seen?
#
# Make a run first (`make demo`, or `hms run online-boutique`). This notebook opens the newest run
# below `runs/`; set `HMS_RUN` to a path, an id or the beginning of one for another, and `HMS_RUNS`
# to look elsewhere.

# %%
import os
from pathlib import Path

import pandas as pd
from IPython.display import Image, Markdown, display

from hms.experiments import load_run
from hms.experiments.report import palette, pictures, policy_words

# from here or from the repository's root alike
beside = [folder / "runs" for folder in (Path(), Path("..")) if (folder / "runs").is_dir()]
runs = Path(os.environ["HMS_RUNS"]) if "HMS_RUNS" in os.environ else next(iter(beside), None)
run = load_run(os.environ.get("HMS_RUN", "latest"), runs)
pd.options.display.float_format = "{:.1f}".format


def show(figure):
    """A figure as the report draws it, on light paper."""
    display(Image(palette.png_bytes(figure), width=820))


spent = ", ".join(f"{count:,} {what}" for what, count in run.manifest["incidents_spent"].items())
Markdown(
    f"**{run.id}**, seed {run.manifest['seed']}, hms {run.manifest['hms']}.\n\n"
    f"Simulated incidents: {spent}.\n\n"
    f"**champion: {run.closing.gate.sentence}**"
)

# %% [markdown]
# ## On failures that evolution never saw
#
# Mean downtime (seconds of full outage a failure) of each stack, and champion − it with a paired
# interval. An interval that crosses zero means: not told apart.

# %%
columns = ["downtime_s", "cvar_s", "time_to_recover_s", "disruption_s", "downtime_difference_s",
           "downtime_difference_s_low", "downtime_difference_s_high"]  # fmt: skip
run.closing_frame().set_index(["set", "stack"])[columns]

# %%
show(pictures.closing_picture(run.closing.held_out, run.best_baseline))

# %% [markdown]
# Family by family: where does the champion win, and where does it lose?

# %%
families = run.held_out.pivot_table("downtime_s", ["set", "family"], "stack")
families[["champion", run.best_baseline]].assign(
    difference=families["champion"] - families[run.best_baseline]
).sort_values("difference")

# %% [markdown]
# ## The front
#
# Downtime can be bought with disruption (restarts, replicas, degraded answers). The finalists of
# the search and the baselines, all on the same validation failures: down and left is better.

# %%
show(pictures.front_picture(run.validation_points(), run.manifest["choice"]["best_baseline"]))
Markdown(f"Chosen: {run.manifest['choice']['reason']}.")

# %% [markdown]
# ## Convergence
#
# Each generation sees other training failures, so its downtime alone says little; here it is a
# share of what the best baseline does on the same failures.

# %%
show(pictures.convergence_picture(run.generations, run.manifest["choice"]["best_baseline"]))

# %% [markdown]
# ## One failure, second by second
#
# The failure in the middle: of those that were felt, half went better for the champion beside the
# best baseline.

# %%
shown = run.timeline
show(
    pictures.timeline_picture(
        shown.seconds, shown.acts, shown.faults, shown.slo, run.best_baseline
    )
)
Markdown("\n".join(f"- from {start:.0f} s: {label}" for label, start, _ in shown.faults))

# %%
display(run.acts)

# %% [markdown]
# ## What the champion does
#
# Only what differs from the defaults of the runtime; the words are those of `hms policy diff`.

# %%
Markdown(
    "\n".join(
        f"- when **{ladder.issue}**: {', then '.join(ladder.steps)}"
        for ladder in policy_words.ladders(run.policy)
    )
)

# %%
pd.DataFrame(
    [(c.path, c.default, c.value, c.meaning) for c in policy_words.changes(run.policy)],
    columns=["parameter", "default", "champion", "in words: it"],
)

# %% [markdown]
# Next: `hms export` writes this policy as configuration that production loads, and
# `hms policy show` prints it in full.
