"""Keyset paging that answers a bare array and a Link header."""

from typing import Any

from rest_framework.pagination import CursorPagination
from rest_framework.response import Response


class LinkPages(CursorPagination):
    """?limit= and ?cursor=, next page in the Link header."""

    page_size = 10_000
    page_size_query_param = "limit"
    max_page_size = 1_000
    ordering = "id"

    def get_paginated_response(self, data: list[Any]) -> Response:
        """The rows alone; the way on is in a header."""
        onward = self.get_next_link()
        headers = {"Link": f'<{onward}>; rel="next"'} if onward else {}
        return Response(data, headers=headers)


class NewestFirst(LinkPages):
    """Check-ins from the last to the first."""

    page_size = 1_000
    ordering = ("-timestamp", "-id")
