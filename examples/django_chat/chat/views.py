"""The pages: one with the chat, logging in and out, and a broadcast from a view."""

from pathlib import Path

from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST

from .events import io

PAGE = Path(__file__).with_name("page.html")


@ensure_csrf_cookie
def home(request: HttpRequest) -> HttpResponse:
    page = PAGE.read_text("utf-8")
    if request.user.is_authenticated:
        page = page.replace('data-user="nobody"', 'data-user="known"')
    return HttpResponse(page)


@require_POST
def log_in(request: HttpRequest) -> HttpResponse:
    user = authenticate(
        request, username=request.POST.get("name"), password=request.POST.get("password")
    )
    if user is None:
        return HttpResponse("wrong name or password", status=403)
    login(request, user)
    return HttpResponse(f"hello {user.get_username()}")


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponse("bye")


@require_POST
def announce(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return HttpResponse("log in first", status=403)
    io.emit("announcement", request.POST.get("text", ""))
    return JsonResponse({"clients": io.engine.clients_count})
