"""The least that Django needs."""

SECRET_KEY = "a-secret-of-mine"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "mysite.urls"
