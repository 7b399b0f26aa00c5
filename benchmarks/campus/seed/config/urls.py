"""The seed's routes."""

from campus import auth, views
from django.urls import include, path
from rest_framework.routers import SimpleRouter
from rest_framework_simplejwt.views import TokenRefreshView

router = SimpleRouter()
router.register("data", views.Users)
router.register("groups", views.Groups)
router.register("attendance", views.Attendance)
router.register("schedule", views.Schedule)

urlpatterns = [
    path("auth/login/", auth.Login.as_view()),
    path("auth/refresh/", TokenRefreshView.as_view()),
    path("", include(router.urls)),
]
