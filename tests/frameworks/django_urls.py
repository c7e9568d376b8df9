"""The pages of Django in the tests."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse
from django.urls import path


def home(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(b"Django")


def log_in(request: Any, name: str) -> HttpResponse:
    user: Any = authenticate(request, username=name, password="secret")
    login(request, user)
    request.session["cart"] = ["tea"]
    return HttpResponse(b"logged in")


def log_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponse(b"logged out")


urlpatterns = [path("", home), path("login/<name>", log_in), path("logout", log_out)]
