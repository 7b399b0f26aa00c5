"""Terms and rooms over HTTP."""

from __future__ import annotations

from campuscore.adapters.http.route import Ask, Handler, Route
from campuscore.domain.schedule import NewRoom, NewTerm, Room, Term

__all__ = ["ROUTES"]


def list_terms(ask: Ask) -> list[Term]:
    return ask.campus.schedule.terms.list(ask.principal)


def create_term(ask: Ask) -> Term:
    return ask.campus.schedule.terms.create(ask.principal, ask.body(NewTerm))


def show_term(ask: Ask, term_id: int) -> Term:
    return ask.campus.schedule.terms.get(ask.principal, term_id)


def replace_term(ask: Ask, term_id: int) -> Term:
    return ask.campus.schedule.terms.replace(ask.principal, term_id, ask.body(NewTerm))


def remove_term(ask: Ask, term_id: int) -> None:
    ask.campus.schedule.terms.remove(ask.principal, term_id)


def list_rooms(ask: Ask) -> list[Room]:
    return ask.campus.schedule.rooms.list(ask.principal)


def create_room(ask: Ask) -> Room:
    return ask.campus.schedule.rooms.create(ask.principal, ask.body(NewRoom))


def show_room(ask: Ask, room_id: int) -> Room:
    return ask.campus.schedule.rooms.get(ask.principal, room_id)


def replace_room(ask: Ask, room_id: int) -> Room:
    return ask.campus.schedule.rooms.replace(ask.principal, room_id, ask.body(NewRoom))


def remove_room(ask: Ask, room_id: int) -> None:
    ask.campus.schedule.rooms.remove(ask.principal, room_id)


def _routes(
    kind: str, listing: object, one_answer: object, body: object, handlers: tuple[Handler, ...]
) -> tuple[Route, ...]:
    """Give terms and rooms the same five addresses."""
    top, one = f"/{kind}s/", f"/{kind}s/{{{kind}_id}}/"
    rows: tuple[tuple[str, str, str, str, object, object, int], ...] = (
        ("GET", top, "read", f"List {kind}s.", None, listing, 200),
        ("POST", top, "write", f"Create a {kind}.", body, one_answer, 201),
        ("GET", one, "read", f"Show a {kind}.", None, one_answer, 200),
        ("PUT", one, "write", f"Replace the fields of a {kind}.", body, one_answer, 200),
        ("DELETE", one, "write", f"Remove a {kind}.", None, None, 204),
    )
    return tuple(
        Route(
            method=method,
            path=path,
            action=f"{kind}s.{right}",
            handler=handler,
            summary=summary,
            body=taken,
            answer=answer,
            status=status,
            refusals=() if method == "GET" else (409,),
        )
        for (method, path, right, summary, taken, answer, status), handler in zip(
            rows, handlers, strict=True
        )
    )


_TERMS = (list_terms, create_term, show_term, replace_term, remove_term)
_ROOMS = (list_rooms, create_room, show_room, replace_room, remove_room)

ROUTES = (
    *_routes("term", list[Term], Term, NewTerm, _TERMS),
    *_routes("room", list[Room], Room, NewRoom, _ROOMS),
)
