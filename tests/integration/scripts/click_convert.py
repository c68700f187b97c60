"""Convert units: a command of click, run as a session."""

import json
from pathlib import Path

import click

import scitex_session as stx

FACTORS = {"mg": 1e-3, "g": 1.0, "kg": 1e3}


@click.command()
@click.argument("table", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--unit", type=click.Choice(list(FACTORS)), default="mg", help="Unit of the doses.")
@click.option("--digits", default=6, show_default=True)
@click.option("-v", "--verbose", count=True)
def convert(table, unit, digits, verbose):
    """Write the doses of TABLE in grams."""
    doses = []
    for number, line in enumerate(table.read_text().splitlines()[1:]):
        dose = round(float(line.split(",")[2]) * FACTORS[unit], digits)
        doses.append(dose)
        if verbose > 1:
            click.echo(f"line {number}: {dose}")
    click.secho(f"{len(doses)} doses, largest {max(doses)} g", fg="green", bold=True)
    if verbose:
        click.echo("writing doses.json", err=True)
    stx.io.save(doses, "doses.json")
    return {"doses": len(doses), "largest": max(doses), "source": json.dumps(table.name)}


if __name__ == "__main__":
    stx.run(convert, tags=["units"])
