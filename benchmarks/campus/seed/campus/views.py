"""Endpoints of the seed stack."""

from datetime import date
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet
from django.db.models.functions import TruncDate
from django.http import FileResponse, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from .aggregate import Row, Span, fold, workbook
from .models import Attachment, AttendanceLog, Group, Membership, ScheduleEntry, User
from .paging import LinkPages, NewestFirst
from .serializers import (
    AttachmentSerializer,
    AttendanceSerializer,
    GroupSerializer,
    ScheduleSerializer,
    UserSerializer,
)

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def day_of(request: Request, name: str) -> date | None:
    """A local date from the query."""
    text = request.query_params.get(name)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise ValidationError({name: [str(error)]}) from error


def span_of(request: Request) -> Span | None:
    """?date= or ?from=&to= as a range of days."""
    single = day_of(request, "date")
    first, last = single or day_of(request, "from"), single or day_of(request, "to")
    if first is None and last is None:
        return None
    return Span(first or date.min, last or timezone.localdate())


def users_like(text: str, path: str = "") -> Q:
    """?user= takes an id or a username."""
    name, value = ("id", int(text)) if text.isdigit() else ("username", text)
    return Q(**{path + name: value})


class Flat(viewsets.ModelViewSet):
    """Lists flat rows by serializers, or by values() when the settings say so."""

    columns: tuple[str, ...] = ()
    renamed: dict[str, F] = {}

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One page of the list."""
        if not settings.LISTS_BY_VALUES:
            return super().list(request, *args, **kwargs)
        rows = self.get_queryset().values(*self.columns, **self.renamed)
        return self.get_paginated_response(self.paginate_queryset(rows))


class Users(Flat):
    """/data/."""

    columns = ("id", "username", "first_name", "last_name", "role", "email", "locale")
    renamed = {"active": F("is_active"), "created_at": F("date_joined")}

    queryset = User.objects.filter(is_active=True).order_by("id")
    serializer_class = UserSerializer
    pagination_class = LinkPages
    http_method_names = ("get", "post", "put", "patch")


class Groups(viewsets.ModelViewSet):
    """/groups/ and add_user."""

    queryset = Group.objects.order_by("id").prefetch_related(
        Prefetch("memberships", Membership.objects.select_related("user").order_by("id"))
    )
    serializer_class = GroupSerializer
    pagination_class = LinkPages

    @action(detail=True, methods=["post"])
    def add_user(self, request: Request, pk: str) -> Response:
        """Put a user into the group; twice is the same as once."""
        group = get_object_or_404(Group, pk=pk)
        user = get_object_or_404(User, pk=request.data.get("user_id"))
        role = request.data.get("role", "student")
        Membership.objects.get_or_create(group=group, user=user, role=role)
        return Response({"message": f"{user.username} is now a {role} of {group.name}."})


class Attendance(Flat):
    """/attendance/, its files and its aggregate."""

    columns = ("id", "user", "timestamp", "method", "ip_address", "user_agent")

    queryset = AttendanceLog.objects.order_by("-timestamp", "-id")
    serializer_class = AttendanceSerializer
    pagination_class = NewestFirst
    http_method_names = ("get", "post")

    def get_queryset(self) -> QuerySet[AttendanceLog]:
        """Filters of the list, as index ranges."""
        query, logs = self.request.query_params, super().get_queryset()
        if user := query.get("user"):
            logs = logs.filter(users_like(user, "user__"))
        if span := span_of(self.request):
            start, end = span.bounds()
            logs = logs.filter(timestamp__gte=start, timestamp__lt=end)
        if (wanted := query.get("has_files")) is not None:
            logs = logs.annotate(day=TruncDate("timestamp"))
            same_day = Attachment.objects.filter(user=OuterRef("user"), date=OuterRef("day"))
            logs = logs.filter(Exists(same_day) if wanted == "true" else ~Exists(same_day))
        return logs

    def perform_create(self, serializer: BaseSerializer[AttendanceLog]) -> None:
        """Fill in who, when and from where."""
        meta, given = self.request.META, serializer.validated_data
        serializer.save(
            user=given.get("user", self.request.user),
            timestamp=given.get("timestamp") or timezone.now(),
            ip_address=meta.get("REMOTE_ADDR"),
            user_agent=meta.get("HTTP_USER_AGENT", "")[:255],
        )

    @action(detail=False, methods=["post"])
    def attach_file(self, request: Request) -> Response:
        """Link a file to a user's day."""
        form = AttachmentSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        upload = form.validated_data["file"]
        made = Attachment.objects.create(
            user=form.validated_data["user_id"],
            date=form.validated_data["date"],
            file=upload,
            filename=upload.name,
            size=upload.size,
            content_type=upload.content_type,
        )
        link = request.build_absolute_uri(f"/attendance/files/{made.pk}/")
        shown = {"id": made.pk, "user": made.user_id, "date": made.date, "url": link}
        about = {"filename": made.filename, "size": made.size, "content_type": made.content_type}
        return Response({**shown, **about}, status=201)

    @action(detail=False, url_path=r"files/(?P<key>\d+)")
    def download_file(self, request: Request, key: str) -> FileResponse:
        """The bytes of an attached file."""
        found = get_object_or_404(Attachment, pk=key)
        return FileResponse(found.file.open("rb"), filename=found.filename)

    @action(detail=False)
    def aggregated(self, request: Request) -> Response:
        """One row per user and day."""
        return Response(self.aggregate())

    @action(detail=False, url_path="aggregated/download")
    def download(self, request: Request) -> HttpResponse:
        """The same as a sheet."""
        answer = HttpResponse(workbook(self.aggregate()), content_type=XLSX)
        answer["Content-Disposition"] = 'attachment; filename="attendance.xlsx"'
        return answer

    def aggregate(self) -> list[Row]:
        """Rows for the query's people and days."""
        query, people = self.request.query_params, User.objects.all()
        if user := query.get("user"):
            people = people.filter(users_like(user))
        if role := query.get("role"):
            people = people.filter(role=role)
        if group := query.get("group"):
            seats = Membership.objects.filter(group_id=group)
            people = people.filter(id__in=seats.values("user_id"))
        span = span_of(self.request) or Span(date(2000, 1, 1), timezone.localdate())
        return fold(people, span, self.request.build_absolute_uri)


class Schedule(Flat):
    """/schedule/."""

    columns = ("id", "group", "title", "date", "start", "end", "room")

    queryset = ScheduleEntry.objects.order_by("date", "id")
    serializer_class = ScheduleSerializer
    pagination_class = LinkPages

    def get_queryset(self) -> QuerySet[Any]:
        """Filters of the list."""
        query, entries = self.request.query_params, super().get_queryset()
        if group := query.get("group"):
            entries = entries.filter(group_id=group)
        if span := span_of(self.request):
            entries = entries.filter(date__range=(span.first, span.last))
        return entries
