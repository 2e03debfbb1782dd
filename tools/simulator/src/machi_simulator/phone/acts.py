"""What a resident does with the phone's forms."""

from collections.abc import Callable

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from machi_simulator.jsontree import Json
from machi_simulator.line.residents import NotPossibleError, Residents, Upload
from machi_simulator.web import files_of, returned, word

MOST_PHOTOS = 3


class Acts:
    """One form's act each; then back to the page, with a notice if it was not possible."""

    def __init__(self, residents: Residents) -> None:
        self._residents = residents
        self._kinds: dict[str, Callable[[str, FormData], object]] = {
            "follow": lambda user, _: residents.follow(user),
            "block": lambda user, _: residents.block(user),
            "sticker": lambda user, _: residents.stick(user),
            "unsend": lambda user, form: residents.unsend(user, word(form, "message")),
            "press": lambda user, form: residents.press_ref(user, word(form, "ref"), word(form, "value")),
            "location": lambda user, form: residents.locate(user, _typed_place(form)),
            "text": self._say,
        }

    async def act(self, request: Request) -> Response:
        """Do what the form says."""
        async with request.form() as form:
            user = word(form, "user")
            try:
                await self._do(user, form)
            except NotPossibleError as error:
                return returned(form, "/phone/", user=user, notice=str(error), notice_for=user)
            return returned(form, f"/phone/?user={user}")

    async def _do(self, user: str, form: FormData) -> None:
        if word(form, "kind") == "upload":
            await self._upload(user, form)
        else:
            self._kinds.get(word(form, "kind"), self._say)(user, form)

    async def _upload(self, user: str, form: FormData) -> None:
        found = [Upload(*each) for each in await files_of(form, "file")]
        if not found:
            raise NotPossibleError("choose a photo first")
        if len(found) > MOST_PHOTOS:
            raise NotPossibleError("at most three photos at once")
        if len(found) == 1:
            self._residents.upload(user, found[0])
        else:
            self._residents.upload_together(user, found)

    def _say(self, user: str, form: FormData) -> None:
        words = word(form, "text")
        if not words.strip():
            raise NotPossibleError("write something first")
        self._residents.set_draft(user, "")
        self._residents.say(user, words)


def _typed_place(form: FormData) -> Json:
    try:
        latitude, longitude = float(word(form, "latitude")), float(word(form, "longitude"))
    except ValueError as error:
        raise NotPossibleError("latitude and longitude are numbers such as 33.5902 and 130.4017") from error
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise NotPossibleError("latitude is within ±90, longitude within ±180")
    return {"latitude": latitude, "longitude": longitude, "address": word(form, "address")}
