"""Where the document of an export is had: by an address that nobody guesses, for a quarter of an hour."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from domain.base.work import Works
from domain.customers.actions.exports import read_document
from schema.customers.types.exports import EXPORTS_PATH

_HEADERS = {
    # Neither on a disk between here and there, nor in the address of the next page.
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


def route(works: Works) -> Route:
    """Return the route."""

    async def download(request: Request) -> Response:
        """Answer with the document; an address that is wrong or too old is none."""
        async with works.database.reading() as session:
            document = await read_document(session, address=request.path_params["address"], now=works.clock.now())
        if document is None:
            message = "There is nothing here, or no longer: ask for the export's url again."
            return PlainTextResponse(message, 404, headers=_HEADERS)
        saved = {"Content-Disposition": 'attachment; filename="customer.json"'}
        return Response(document, headers=_HEADERS | saved, media_type="application/json")

    return Route(f"{EXPORTS_PATH}{{address}}", download, methods=["GET"])
