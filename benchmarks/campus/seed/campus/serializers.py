"""JSON shapes of the seed stack, equal to campuscore's."""

from typing import Any

from rest_framework import serializers

from .models import AttendanceLog, Group, ScheduleEntry, User


class UserSerializer(serializers.ModelSerializer):
    """A user without the password."""

    password = serializers.CharField(write_only=True, required=False)
    active = serializers.BooleanField(source="is_active", read_only=True)
    created_at = serializers.DateTimeField(source="date_joined", read_only=True)

    class Meta:
        model = User
        fields = [
            "id",
            "username",
            "first_name",
            "last_name",
            "role",
            "email",
            "locale",
            "active",
            "created_at",
            "password",
        ]

    def create(self, validated_data: dict[str, Any]) -> User:
        """Store the password as a hash."""
        return User.objects.create_user(**validated_data)

    def update(self, instance: User, validated_data: dict[str, Any]) -> User:
        """Leave the password alone unless one is given."""
        password = validated_data.pop("password", None)
        if password:
            instance.set_password(password)
        return super().update(instance, validated_data)


class GroupSerializer(serializers.ModelSerializer):
    """A group with its people, from the prefetched memberships."""

    teachers = serializers.SerializerMethodField()
    students = serializers.SerializerMethodField()

    class Meta:
        model = Group
        fields = ["id", "name", "teachers", "students", "kind", "parent", "code", "term"]

    def get_teachers(self, group: Group) -> list[dict[str, Any]]:
        """Members who teach."""
        return members(group, "teacher")

    def get_students(self, group: Group) -> list[dict[str, Any]]:
        """Members who learn."""
        return members(group, "student")


def members(group: Group, role: str) -> list[dict[str, Any]]:
    """The group's people in a role."""
    people = [seat.user for seat in group.memberships.all() if seat.role == role]
    keys = ("id", "username", "first_name", "last_name", "role")
    return [{key: getattr(person, key) for key in keys} for person in people]


class AttendanceSerializer(serializers.ModelSerializer):
    """One check-in."""

    user = serializers.PrimaryKeyRelatedField(queryset=User.objects.all(), required=False)
    timestamp = serializers.DateTimeField(required=False)

    class Meta:
        model = AttendanceLog
        fields = ["id", "user", "timestamp", "method", "ip_address", "user_agent"]
        read_only_fields = ["method", "ip_address", "user_agent"]


class AttachmentSerializer(serializers.Serializer):
    """What attach_file takes."""

    user_id = serializers.PrimaryKeyRelatedField(queryset=User.objects.all())
    date = serializers.DateField()
    file = serializers.FileField()


class ScheduleSerializer(serializers.ModelSerializer):
    """One entry of the timetable."""

    class Meta:
        model = ScheduleEntry
        fields = ["id", "group", "title", "date", "start", "end", "room"]
