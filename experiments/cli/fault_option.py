"""The option `--fault` of `hms simulate` and `hms compare`: a failure without a file."""

import click

fault_option = click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="KIND:WHERE[:KEY=VALUE,...]",
    help="A fault to add; WHERE is a component or 'CALLER->CALLEE'. May be repeated.",
)
