"""A view that runs the agent."""

from agent import answer
from django.http import HttpResponse
from django.urls import path


def ask(request):
    return HttpResponse(answer(request.GET["question"]))


urlpatterns = [path("ask", ask)]
