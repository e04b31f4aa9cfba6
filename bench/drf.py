"""Django REST framework with a model of the same thirty fields, as its guide has it: a ModelSerializer and a CreateAPIView, no login, no history."""

from pathlib import Path
from typing import Any

import django
from django.conf import settings

from bench.account import FIELDS, OPTIONS, Entered


def application(folder: Path) -> Any:
    """An ASGI application over a new SQLite file, durable as ours is."""
    options = {"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", "transaction_mode": "IMMEDIATE", "timeout": 20}
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "drf.sqlite"), "OPTIONS": options, "CONN_MAX_AGE": None}
    rest = {"DEFAULT_AUTHENTICATION_CLASSES": [], "DEFAULT_PERMISSION_CLASSES": [], "UNAUTHENTICATED_USER": None}
    settings.configure(
        SECRET_KEY="bench", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, DATABASES={"default": database}, REST_FRAMEWORK=rest,
        INSTALLED_APPS=["rest_framework"], MIDDLEWARE=[], DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", USE_TZ=True,
    )  # fmt: skip
    django.setup()
    from django.core.asgi import get_asgi_application  # noqa: PLC0415  Django's modules want its settings first
    from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator  # noqa: PLC0415
    from django.db import connection, models  # noqa: PLC0415
    from django.urls import path  # noqa: PLC0415
    from rest_framework import generics, serializers  # noqa: PLC0415

    def column(f: Entered) -> Any:
        empty = {} if f.required else {"null": True, "blank": True}
        bounds = {"validators": [MinValueValidator(0), MaxValueValidator(f.most)]}
        match f.kind:
            case "integer":
                return models.BigIntegerField(**bounds, **empty)
            case "number":
                return models.FloatField(**bounds, **empty)
            case "decimal":
                return models.DecimalField(max_digits=12, decimal_places=2, **bounds, **empty)
            case "date":
                return models.DateField(**empty)
            case "yes_no":
                return models.BooleanField(**empty)
            case "choice":
                return models.CharField(max_length=20, choices=[(o, o) for o in OPTIONS[f.key]], **empty)
            case "email":
                return models.EmailField(**empty)
            case "link":
                return models.URLField(max_length=2000, **empty)
            case "phone":
                return models.CharField(max_length=40, validators=[RegexValidator(r"^\+?[0-9][0-9 ().-]{3,28}[0-9]$")], **empty)
            case "long_text":
                return models.TextField(max_length=f.most, **empty)
        return models.CharField(max_length=f.most, unique=f.key == "code", **empty)

    meta = type("Meta", (), {"app_label": "bench"})
    account: Any = type("Account", (models.Model,), {"__module__": __name__, "Meta": meta, **{f.key: column(f) for f in FIELDS}})
    with connection.schema_editor() as editor:
        editor.create_model(account)
    connection.close()
    serializer = type("Serial", (serializers.ModelSerializer,), {"Meta": type("Meta", (), {"model": account, "fields": [f.key for f in FIELDS]})})
    view: Any = type("Accounts", (generics.CreateAPIView,), {"queryset": account.objects.all(), "serializer_class": serializer})
    globals()["urlpatterns"] = [path("accounts", view.as_view())]
    return get_asgi_application()
