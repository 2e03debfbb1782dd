"""What several commands can be told alike."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="One JSON document for scripts.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
