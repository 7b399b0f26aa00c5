"""Models as the seed has them, with some columns and a table that nobody reads."""
# ruff: noqa: DJ001, DJ008

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    role = models.CharField(max_length=16, default="student")
    phone = models.CharField(max_length=20, null=True)


class Group(models.Model):
    name = models.CharField(max_length=120)
    parent = models.ForeignKey("self", models.SET_NULL, null=True)
    users = models.ManyToManyField(User, through="Membership", related_name="campus_groups")
    teachers = models.ManyToManyField(User, related_name="taught")


class Membership(models.Model):
    group = models.ForeignKey(Group, models.CASCADE)
    user = models.ForeignKey(User, models.CASCADE)
    role = models.CharField(max_length=16)


class AttendanceLog(models.Model):
    user = models.ForeignKey(User, models.CASCADE)
    timestamp = models.DateTimeField()
    ip_address = models.GenericIPAddressField(null=True)
    user_agent = models.TextField(default="")
    file = models.FileField(upload_to="logs/", null=True)


class Attachment(models.Model):
    user = models.ForeignKey(User, models.CASCADE)
    date = models.DateField()
    file = models.FileField(upload_to="attendance/")
    filename = models.CharField(max_length=255)


class Schedule(models.Model):
    group = models.ForeignKey(Group, models.CASCADE)
    title = models.CharField(max_length=200)
    date = models.DateField()
    start = models.TimeField(null=True)
    room = models.CharField(max_length=40, default="")


class Event(models.Model):
    group = models.ForeignKey(Group, models.CASCADE)
    name = models.CharField(max_length=200)
    date = models.DateTimeField()


class Library(models.Model):
    name = models.CharField(max_length=100)
    file = models.FileField(upload_to="libraries/")


class Notice(models.Model):
    text = models.TextField()
