"""Which address shows what. Every address is only read from: GET and HEAD, and nothing else."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import orjson
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from archsmith import report
from archsmith.errors import ArchsmithError, NotFoundError, PermanentError
from archsmith.stores.keys import check_key
from archsmith.stores.store import Store
from archsmith.ui import files
from archsmith.ui.download import Download, Zipped
from archsmith.ui.following import Seen
from archsmith.ui.headers import Guard
from archsmith.ui.pages import MOST_COMPARED, Pages, compared_searches, compared_trials, trial_page, winner_page
from archsmith.ui.parts import file_of
from archsmith.ui.pictures import Pictures, Theme, theme_css
from archsmith.ui.readers import Answer, Readers
from archsmith.views.reported import examples, reported

_HERE = Path(__file__).parent
_REPORT_POLICY = f"{report.POLICY}; sandbox allow-scripts; frame-ancestors 'none'"
"""What a report may do that is opened here: be looked at, by the one script that reports have, and away from these pages."""


def make_app(
    store: Store, uri: str, *, base: str = "", hosts: Sequence[str] | None = None, readers: Readers | None = None
) -> Starlette:
    """Return the application.

    Args:
        store: What it shows.
        uri: Its URI, for people.
        base: Path that all addresses begin with, without a slash at its end.
        hosts: Names that it is asked by; any where it is None.
        readers: What reads the store, where it is to do so otherwise than usual.
    """
    site = Site(readers or Readers(store), uri, base)
    routes: list[BaseRoute] = [Route("/healthz", _healthz), Mount(base, routes=site.routes())] if base else site.routes()
    if base:
        routes.insert(1, Route(base, site.home))
    guard = Middleware(Guard, hosts=hosts)
    return Starlette(
        routes=routes,
        middleware=[guard, Middleware(Zipped, minimum_size=1000, compresslevel=3)],
        exception_handlers={404: site.not_found, ArchsmithError: site.failed},
    )


async def _healthz(_: Request) -> Response:
    """Say that the server runs; a store that is away is no reason to start it anew."""
    return PlainTextResponse("ok\n")


class _Static(StaticFiles):
    """Files that a browser asks for anew each time: those of a newer version are called alike. Unchanged ones are not sent."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Return a file, or that it is as it was."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


class Site:
    """All pages of a store.

    Args:
        readers: What reads the store.
        uri: Its URI, for people.
        base: Path that all addresses begin with.
    """

    def __init__(self, readers: Readers, uri: str, base: str) -> None:
        self._uri = uri
        self._readers, self._pages, self._pictures = readers, Pages(base, uri), Pictures()
        self._downloads = anyio.CapacityLimiter(2)

    def routes(self) -> list[BaseRoute]:
        """Return what is where."""
        one = "/searches/{name}"
        found: list[BaseRoute] = [
            Route("/", self.home),
            Route("/healthz", _healthz),
            Route("/compare", self.compare),
            Route("/api/searches", self.listed),
            Route("/api" + one, self.told),
            Route(one, self.search),
            Route(one + "/winner", self.winner),
            Route(one + "/search.yaml", self.search_file),
            Route(one + "/files/{what}", self.file),
            Route(one + "/examples/{k:int}.png", self.example),
            Route(one + "/trials/{trial}.svg", self.picture),
            Route(one + "/trials/{trial}", self.trial),
            Route("/static/theme.css", _theme),
            Route("/static/report.css", _report_css),
            Mount("/static", _Static(directory=_HERE / "static")),
        ]
        return found

    async def home(self, request: Request) -> Response:
        """Show all searches."""
        return self._page(request, "list", {})

    async def listed(self, request: Request) -> Response:
        """Return all searches as JSON."""
        searches, trouble, whole = await anyio.to_thread.run_sync(self._readers.list.ask)
        rows = [{"name": name, **({"reading": True} if found is None else _row(found))} for name, found in searches.items()]
        return _tagged(request, orjson.dumps({"searches": rows, "trouble": trouble, "whole": whole}), "application/json")

    async def search(self, request: Request) -> Response:
        """Show a search; what it shows comes by `told`."""
        return self._page(request, "search", {"name": request.path_params["name"]})

    async def told(self, request: Request) -> Response:
        """Return what a browser lacks of a search: 204 where that is nothing."""
        answer = await self._ask(request)
        query = request.query_params
        if answer is None:
            return Response(orjson.dumps({"state": "reading", "trouble": "", "gone": False}), media_type="application/json")
        have, known = query.get("have", ""), query.get("known", "").split(",")
        if not query.get("era") and answer.whole and "gzip" in request.headers.get("Accept-Encoding", ""):
            headers = {"Content-Encoding": "gzip", "Cache-Control": "no-store", "Vary": "Accept-Encoding"}
            return Response(answer.whole, media_type="application/json", headers=headers)
        body = answer.body(query.get("era", ""), int(have) if have.isdecimal() else 0, known)
        return Response(body, 200 if body else 204, {"Cache-Control": "no-store"}, "application/json" if body else None)

    async def trial(self, request: Request) -> Response:
        """Show a trial."""
        name, trial = request.path_params["name"], request.path_params["trial"]
        return await self._shown(
            request, "trial", lambda seen: trial_page(seen, trial), f"There is no trial {trial!r} in {name!r}."
        )

    async def winner(self, request: Request) -> Response:
        """Show what a search has led to."""
        return await self._shown(request, "winner", lambda seen: winner_page(seen, self._uri), "")

    async def compare(self, request: Request) -> Response:
        """Show searches, or trials, side by side."""
        names = request.query_params.getlist("search")[:MOST_COMPARED]
        trials = [t.partition("/") for t in request.query_params.getlist("trial")[:MOST_COMPARED]]
        answers: dict[str, Answer | None] = {}
        for name in dict.fromkeys([*names, *(name for name, _, _ in trials)]):
            answers[name] = await anyio.to_thread.run_sync(self._readers.ask, name)
        seen = {name: answer.seen if answer else None for name, answer in answers.items()}
        values: dict[str, Any] = {"kind": "trials" if trials else "searches", "most": MOST_COMPARED}
        if trials:
            values |= await anyio.to_thread.run_sync(compared_trials, [(name, trial, seen[name]) for name, _, trial in trials])
        elif names:
            found = [(name, seen[name], _trouble(name, answers[name])) for name in dict.fromkeys(names)]
            values |= await anyio.to_thread.run_sync(compared_searches, found)
        else:
            values |= {"columns": []}
        return self._page(request, "compare", values)

    async def picture(self, request: Request) -> Response:
        """Draw the network of a trial."""
        seen = await self._seen(request)
        architecture = seen.architecture(request.path_params["trial"])
        if architecture is None:
            return PlainTextResponse("There is no such trial.\n", 404)
        theme: Theme = "dark" if request.query_params.get("theme") == "dark" else "light"
        drawn = await anyio.to_thread.run_sync(self._pictures.draw, seen.now.search.space, architecture, theme)
        policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
        return Response(drawn, media_type="image/svg+xml", headers={"Cache-Control": "private, max-age=600", **policy})

    async def example(self, request: Request) -> Response:
        """Return a test image."""
        seen, k = await self._seen(request), request.path_params["k"]
        found = await anyio.to_thread.run_sync(lambda: examples(seen.folder, lambda _: None))
        if k >= len(found):
            return PlainTextResponse("There is no such image.\n", 404)
        return Response(found[k].png, media_type="image/png", headers={"Cache-Control": "private, no-cache"})

    async def search_file(self, request: Request) -> Response:
        """Return the search file, without passwords."""
        seen = await self._seen(request)
        text = file_of(seen.now, reported(seen.now))
        return Response(text.encode(), media_type="application/yaml", headers=_attached(f"{seen.now.search.name}.yaml"))

    async def file(self, request: Request) -> Response:
        """Return a file of those that may be had."""
        kind, trial = files.FILES.get(request.path_params["what"]), request.query_params.get("trial")
        seen = await self._seen(request)
        name = files.name_of(kind, seen, trial) if kind else None
        if kind is None or name is None:
            return PlainTextResponse("There is no such file.\n", 404)
        folder = self._readers.folder(seen.now.search.name)
        if request.query_params.get("look") and kind is files.FILES["report"]:
            headers = {"Content-Security-Policy": _REPORT_POLICY}
        else:
            headers = _attached(files.saved_as(kind, seen, trial))
        return Download(lambda: folder.get(name), self._downloads, kind.media, headers)

    async def not_found(self, request: Request, error: Exception) -> Response:
        """Say that there is no such page."""
        return self._page(request, "message", {"title": "Not found", "said": getattr(error, "detail", "")}, 404)

    async def failed(self, request: Request, error: Exception) -> Response:
        """Say what fails, such as a store that is away; a page that asks again shows it as soon as it can."""
        status = 404 if isinstance(error, NotFoundError) else 503
        return self._page(request, "message", {"title": "This can't be shown now", "said": str(error)}, status)

    async def _ask(self, request: Request) -> Answer | None:
        """Return how the search of an address stands; raises where no search can have its name."""
        try:
            check_key(request.path_params["name"])
        except PermanentError as error:
            raise NotFoundError(str(error)) from None
        return await anyio.to_thread.run_sync(self._readers.ask, request.path_params["name"])

    async def _seen(self, request: Request) -> Seen:
        """Return what was seen of a search; raises where nothing was."""
        answer, name = await self._ask(request), request.path_params["name"]
        if answer is None or answer.seen is None:
            raise NotFoundError(_trouble(name, answer))
        return answer.seen

    async def _shown(
        self, request: Request, template: str, fill: Callable[[Seen], Mapping[str, Any] | None], missing: str
    ) -> Response:
        """Show a page of a search that its browser asks for again and again."""
        answer, name = await self._ask(request), request.path_params["name"]
        if answer is None or answer.seen is None:
            status = 404 if answer and answer.gone else 503
            return self._page(request, "message", {"title": name, "said": _trouble(name, answer), "name": name}, status)
        values = await anyio.to_thread.run_sync(fill, answer.seen)
        if values is None:
            return self._page(request, "message", {"title": "Not found", "said": missing, "name": name}, 404)
        seen, trouble = answer.seen, answer.trouble
        return self._page(request, template, {**values, "name": name, "now": seen.now, "trouble": trouble})

    def _page(self, request: Request, template: str, values: Mapping[str, Any], status: int = 200) -> Response:
        page = self._pages.render(template, **values).encode()
        if status != 200:
            return HTMLResponse(page, status)
        return _tagged(request, page, "text/html; charset=utf-8")


def _row(found: Any) -> dict[str, Any]:
    return {
        **found.to_dict(),
        "began": found.began_at,
        "course": found.course,
        "promotion": found.promotion,
        "progress": found.progress,
        "series": found.series,
    }


def _trouble(name: str, answer: Answer | None) -> str:
    """Say why nothing is seen of a search."""
    if answer is None:
        return f"The search {name!r} is being read."
    if answer.gone:
        return f"There is no search {name!r} in this store, or no longer."
    return answer.trouble


def _tagged(request: Request, body: bytes, media: str) -> Response:
    """Return a body that a browser need not fetch again as long as it is the same."""
    tag = f'W/"{hashlib.sha256(body).hexdigest()[:20]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media, headers=headers)


def _attached(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-cache"}


async def _theme(request: Request) -> Response:
    return _tagged(request, theme_css().encode(), "text/css; charset=utf-8")


async def _report_css(request: Request) -> Response:
    """Return the style of reports, which pages share."""
    return _tagged(request, (Path(report.__file__).parent / "style.css").read_bytes(), "text/css; charset=utf-8")
