"""One settings file for every place. Everything that differs comes from the environment."""

from pathlib import Path

from config.data_directory import prepare_data_directory, secret_key
from config.env import postgres_settings, process_env
from runs_app.clickhouse.address import parse_address

env = process_env()

BASE_DIR = Path(__file__).resolve().parent.parent
FAULTLINE_DATA = env.path("FAULTLINE_DATA", BASE_DIR / ".faultline")
prepare_data_directory(FAULTLINE_DATA)

DEBUG = env.boolean("FAULTLINE_DEBUG", default=False)
SECRET_KEY = env.secret("SECRET_KEY") or secret_key(FAULTLINE_DATA)

# Where people and programs reach this installation, without a slash at the end.
SITE_URL = env.url("FAULTLINE_SITE_URL", schemes=("http", "https")).rstrip("/")
ALLOWED_HOSTS = env.words("FAULTLINE_ALLOWED_HOSTS", ("localhost", "127.0.0.1", "[::1]"))
CSRF_TRUSTED_ORIGINS = [SITE_URL] if SITE_URL else []
SECURE_SITE = SITE_URL.startswith("https://")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "runs_app",
    "errors_app",
]

MIDDLEWARE = [
    "config.middleware.RequestIdMiddleware",
    "config.middleware.ApiErrorMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = True
CSRF_FAILURE_VIEW = "config.errors.csrf_failure"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- the relational store -------------------------------------------------------------------

DATABASE_URL = env.url("DATABASE_URL", schemes=("postgres", "postgresql"))
if DATABASE_URL:
    DATABASES = {"default": postgres_settings(DATABASE_URL)}
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(FAULTLINE_DATA / "faultline.sqlite3"),
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                # A transaction that reads and then writes takes the write lock at its start:
                # upgrading in the middle fails at once when another writer came first.
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                # FULL: an accepted report outlives a power cut, as the engine's inserts do.
                "init_command": (
                    "PRAGMA journal_mode=WAL;"
                    "PRAGMA synchronous=FULL;"
                    "PRAGMA cache_size=-16384;"
                    "PRAGMA mmap_size=268435456;"
                    "PRAGMA temp_store=MEMORY;"
                ),
            },
        }
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "runs_app.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "admin:login"

# --- ClickHouse -----------------------------------------------------------------------------

# Empty: the embedded process under FAULTLINE_DATA.
CLICKHOUSE_URL = env.checked("CLICKHOUSE_URL", parse_address)
# Read by the embedded process itself; checked here, so that a wrong value stops every start.
env.integer("FAULTLINE_CLICKHOUSE_MEMORY", default=0, least=500_000_000, most=10**13)
CLICKHOUSE_MAX_EXECUTION_SECONDS = env.integer(
    "CLICKHOUSE_MAX_EXECUTION_SECONDS", default=10, least=1, most=600
)
CLICKHOUSE_MAX_QUERY_MEMORY = env.integer(
    "CLICKHOUSE_MAX_QUERY_MEMORY", default=2_000_000_000, least=50_000_000, most=10**13
)

# --- ingest and retention -------------------------------------------------------------------

RETENTION_DAYS = env.integer("FAULTLINE_RETENTION_DAYS", default=90, least=1, most=3650)
INGEST_MAX_RUNS = 1_000
INGEST_MAX_BYTES = 5_242_880

# --- the API --------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["runs_app.web.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["runs_app.web.permissions.HasRequiredScope"],
    "DEFAULT_RENDERER_CLASSES": ["runs_app.web.rendering.ApiJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "config.errors.api_exception_handler",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "URL_FORMAT_OVERRIDE": None,
}

# --- the rest -------------------------------------------------------------------------------

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = FAULTLINE_DATA / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
# Until files are collected (in a development checkout, in tests) they are served in place.
WHITENOISE_USE_FINDERS = not (STATIC_ROOT / "staticfiles.json").exists()
if WHITENOISE_USE_FINDERS:
    STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}

SESSION_COOKIE_SECURE = SECURE_SITE
CSRF_COOKIE_SECURE = SECURE_SITE
# Redirects to TLS, and what holds for subdomains and browsers' preload lists, are for the proxy in
# front to decide.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if SECURE_SITE:
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "config.logs.RequestIdFilter"},
        "outside_api": {"()": "config.logs.OutsideApiFilter"},
    },
    "formatters": {
        "line": {
            "format": "{asctime} {levelname} {name} [{request_id}] {message}",
            "style": "{",
        }
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["request_id"],
        }
    },
    "root": {
        "handlers": ["stderr"],
        "level": env.choice("FAULTLINE_LOG_LEVEL", LOG_LEVELS, "INFO"),
    },
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        # The translator in config.errors logs failures of the API, once each.
        "django.request": {"level": "ERROR", "filters": ["outside_api"]},
        "django.security.DisallowedHost": {"filters": ["outside_api"]},
        "clickhouse_driver": {"level": "ERROR"},
    },
}
