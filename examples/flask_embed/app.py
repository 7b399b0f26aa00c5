"""Campuscore inside somebody else's Flask application.

The application has pages of its own, which call the services, and passes everything under
``/campus`` on to the API. ``flask --app app run`` serves it, with one process and its threads.
"""

from __future__ import annotations

from flask import Flask, abort, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from campuscore import Campus, DayQuery, Settings, errors, open_campus
from campuscore.adapters.http import create_app as create_api
from campuscore.domain.auth import Principal

STATUS = {errors.Unauthenticated: 401, errors.Forbidden: 403, errors.NotFound: 404}


def create_app(campus: Campus) -> Flask:
    """Return the application on a campus, which whoever opened it closes."""
    app = Flask(__name__)
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/campus": create_api(campus)})  # type: ignore[method-assign]

    @app.get("/")
    def home() -> str:
        return "The pages of a department; the API is under /campus/"

    @app.get("/present/<int:group>")
    def present(group: int) -> ResponseReturnValue:
        """Say who of a group has come today, as far as whoever asks may see it."""
        principal = whoever_asks(campus)
        name = campus.groups.get(principal, group).name
        today = campus.attendance.days.today()
        query = DayQuery(group=group, since=today, until=today)
        rows = campus.attendance.aggregate(principal, query).items
        return jsonify(group=name, present=[row.full_name for row in rows])

    @app.errorhandler(errors.CampusError)
    def refused(error: errors.CampusError) -> ResponseReturnValue:
        return jsonify(code=error.code, detail=error.detail), STATUS.get(type(error), 400)

    return app


def whoever_asks(campus: Campus) -> Principal:
    """Return who sent the request, by the token that the API gave at login."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind != "Bearer":
        abort(401)
    return campus.auth.authenticate(token)


def make() -> Flask:
    """Open the campus of the working folder; Flask's command line calls this."""
    return create_app(open_campus(Settings()))
