"""`python -m libs.catalogue check` opens and checks every file; exit code 1 on a fault."""

from pathlib import Path
from typing import Annotated

import typer

from libs.catalogue.catalogue import Catalogue
from libs.catalogue.checks import faults_of
from libs.catalogue.errors import CatalogueError
from libs.catalogue.import_procedures import import_procedures

app = typer.Typer(add_completion=False, no_args_is_help=True)
Folder = Annotated[Path, typer.Option(help="the catalogue's folder")]


@app.callback()
def catalogue() -> None:
    """The catalogue of the city: procedures, agencies, calendars, units."""


@app.command()
def check(folder: Folder = Path("catalogue")) -> None:
    """Check every file; prints the faults, one a line."""
    try:
        loaded = Catalogue.load(folder)
        faults = faults_of(loaded)
    except CatalogueError as error:
        faults = [str(error)]
    for fault in faults:
        typer.echo(fault, err=True)
    if faults:
        raise typer.Exit(1)
    codes = loaded.procedure_codes()
    versions = [procedure for code in codes for _, procedure in loaded.versions_of(code)]
    unverified = sum(not procedure.verified for procedure in versions)
    agencies = f"{len(loaded.agency_entries())} agencies and patterns"
    papers = f"{len(loaded.forms.versions())} versions of forms"
    typer.echo(f"{len(codes)} procedures ({unverified} versions unverified), {agencies}, {papers}: all sound")


@app.command("import-procedures")
def import_table(table: Path, folder: Folder = Path("catalogue")) -> None:
    """Make procedures/imported/ from the portal's table (CSV); those made by hand stay."""
    loaded = Catalogue.load(folder)
    by_hand = [path.name.partition("@")[0] for path in (folder / "procedures").glob("*.yaml")]
    imported = folder / "procedures" / "imported"
    typer.echo(f"{import_procedures(table, loaded.fields.values(), by_hand, imported)} procedures imported")


if __name__ == "__main__":
    app()
