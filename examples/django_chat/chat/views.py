"""The pages: one with the chat, logging in and out, and a broadcast from a view."""

from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST

from .events import io

PAGE = """<!doctype html>
<title>Chat</title>
<ul id="messages"></ul>
<script src="/socket.io/socket.io.min.js"></script>
<script>
  const socket = io({ autoConnect: false }); // log in, then socket.connect()
  socket.on("said", ({ author, text }) => {
    const item = document.createElement("li");
    item.textContent = `${author}: ${text}`;
    document.getElementById("messages").append(item);
  });
</script>
"""


@ensure_csrf_cookie
def home(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(PAGE)


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
