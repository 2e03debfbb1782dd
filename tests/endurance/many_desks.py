"""A city with a desk for each kind of report in each ward: Slack takes a message a second and channel."""

import json
from dataclasses import replace

from machi_tools.operator import operator_of, running
from machi_tools.stack.city import City as Files
from machi_tools.stack.city import put, read_city
from machi_tools.stack.layout import Layout
from tests.city import ROOT, City


async def open_desks(city: City) -> None:
    """Put the desks and their routes."""
    layout = Layout(ROOT, city.state)
    state = running(layout)
    files = _spread(read_city(layout, state.tenant))
    await put(operator_of(layout), files, state.slack_team)


def _spread(files: Files) -> Files:
    catalogue = json.loads(files.catalogue)
    model = files.file.desks[0]
    places = [(kind["code"], ward) for kind in catalogue["categories"] for ward in catalogue["ward_names"]]
    routes = [{"category": kind, "ward": ward, "desk": f"{kind}-{ward}"} for kind, ward in places]
    desks = [model.model_copy(update={"desk_id": route["desk"]}) for route in routes]
    catalogue["routes"] = routes
    catalogue["desks"] += [{"desk_id": desk.desk_id, "titles": desk.titles} for desk in desks]
    file = files.file.model_copy(update={"desks": (*files.file.desks, *desks)})
    return replace(files, file=file, catalogue=json.dumps(catalogue, ensure_ascii=False))
