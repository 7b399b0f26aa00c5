"""Login that records a check-in."""

from typing import Any

from django.db import transaction
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer, TokenObtainSerializer
from rest_framework_simplejwt.views import TokenObtainPairView

from .models import AttendanceLog


class LoginSerializer(TokenObtainPairSerializer):
    """Checks the password outside the write lock, then writes once."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        """Answer a token pair and record the check-in."""
        TokenObtainSerializer.validate(self, attrs)
        meta = self.context["request"].META
        with transaction.atomic():
            refresh = self.get_token(self.user)
            AttendanceLog.objects.create(
                user=self.user,
                timestamp=refresh.current_time,
                method="login",
                ip_address=meta.get("REMOTE_ADDR"),
                user_agent=meta.get("HTTP_USER_AGENT", "")[:255],
            )
        return {"access": str(refresh.access_token), "refresh": str(refresh)}


class Login(TokenObtainPairView):
    """POST /auth/login/."""

    serializer_class = LoginSerializer
