"""Tables of the seed stack."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person with a campus role."""

    role = models.CharField(max_length=16, default="student")
    locale = models.CharField(max_length=8, default="en")


class Group(models.Model):
    """A set of members."""

    name = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=16, default="class")
    parent = models.ForeignKey("self", models.SET_NULL, null=True, blank=True)
    code = models.CharField(max_length=32, default="", blank=True)
    term = models.IntegerField(null=True, blank=True)


class Membership(models.Model):
    """A user in a group with a role."""

    group = models.ForeignKey(Group, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "user", "role"], name="one_seat")]


class AttendanceLog(models.Model):
    """A user was there at an instant."""

    user = models.ForeignKey(User, models.CASCADE, db_index=False)
    timestamp = models.DateTimeField()
    method = models.CharField(max_length=16, default="api")
    ip_address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=255, default="")

    class Meta:
        indexes = [
            models.Index(fields=["timestamp"], name="log_timestamp"),
            models.Index(fields=["user", "timestamp"], name="log_user_timestamp"),
        ]


class Attachment(models.Model):
    """A file linked to a user's local day."""

    user = models.ForeignKey(User, models.CASCADE)
    date = models.DateField(db_index=True)
    file = models.FileField(upload_to="attendance/%Y/%m/")
    filename = models.CharField(max_length=255)
    size = models.IntegerField()
    content_type = models.CharField(max_length=100)


class ScheduleEntry(models.Model):
    """A dated lesson of a group."""

    group = models.ForeignKey(Group, models.CASCADE, db_index=False)
    title = models.CharField(max_length=200)
    date = models.DateField()
    start = models.TimeField(null=True)
    end = models.TimeField(null=True)
    room = models.IntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["group", "date"], name="entry_group_date")]
