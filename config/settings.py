"""One settings file for every place. Everything that differs comes from the environment."""

import sys
from importlib.metadata import version
from pathlib import Path

from csp.constants import NONE, SELF

from config.data_directory import prepare_data_directory, secret_key
from config.env import postgres_settings, process_env
from config.logs import logging_settings
from runs_app.clickhouse.address import parse_address
from runs_app.domain.log_lines import AUTOMATIC, LOG_FORMS, log_form

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
    "config.static_files.ServedFiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "csp",
    "runs_app",
    "errors_app",
]

MIDDLEWARE = [
    "config.middleware.RequestIdMiddleware",
    # Around what makes errors, so that scripts may read those, too.
    "corsheaders.middleware.CorsMiddleware",
    "config.middleware.ApiErrorMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
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
                # Who writes runs, the outbox or decisions queues before, see write_turns. Here
                # they wait for a program that is not ours, such as a backup, or for one of the
                # short writes that Django makes by itself (sessions, logins, forms of the admin),
                # and those wait here for everybody.
                "timeout": 5,
                # FULL: an accepted report outlives a power cut, as the engine's inserts do.
                # The limit: a log that grew while a long read kept it from being written back
                # shrinks again afterwards.
                "init_command": (
                    "PRAGMA journal_mode=WAL;"
                    "PRAGMA synchronous=FULL;"
                    "PRAGMA journal_size_limit=67108864;"
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

# --- the cache: counts of requests ----------------------------------------------------------

REDIS_URL = env.url("REDIS_URL", schemes=("redis", "rediss"))
CACHES: dict[str, dict[str, object]]
if REDIS_URL:
    CACHES = {
        "default": {
            "BACKEND": "runs_app.services.redis_cache.ImpatientRedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": "faultline",
        }
    }
else:
    CACHES = {
        "default": {
            "BACKEND": "runs_app.services.sqlite_cache.SqliteCache",
            "LOCATION": str(FAULTLINE_DATA / "cache"),
            "OPTIONS": {"MAX_ENTRIES": 100_000},
        }
    }

# --- ingest and retention -------------------------------------------------------------------

RETENTION_DAYS = env.integer("FAULTLINE_RETENTION_DAYS", default=90, least=1, most=3650)
# How often the worker looks for decisions about groups that have had their time.
SWEEP_SECONDS = env.integer("FAULTLINE_SWEEP_SECONDS", default=60, least=5, most=3_600)
INGEST_MAX_RUNS = 1_000
INGEST_MAX_BYTES = 5_242_880
# Beyond these, reports are refused at the door. The disk is looked at where a store is on it.
MAX_WAITING_ROWS = env.integer(
    "FAULTLINE_MAX_WAITING_ROWS", default=5_000_000, least=1, most=10**12
)
MIN_FREE_DISK = env.integer("FAULTLINE_MIN_FREE_DISK", default=1_000_000_000, least=0, most=10**15)
DATA_HOLDS_A_STORE = not DATABASE_URL or not CLICKHOUSE_URL

# --- the API --------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["runs_app.web.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["runs_app.web.permissions.HasRequiredScope"],
    "DEFAULT_THROTTLE_CLASSES": ["runs_app.web.throttling.CallerThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["runs_app.web.rendering.ApiJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "config.openapi.ApiOperation",
    "EXCEPTION_HANDLER": "config.errors.api_exception_handler",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "URL_FORMAT_OVERRIDE": None,
}

# The OpenAPI document, see config.openapi.
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.1",
    "TITLE": "Faultline",
    "VERSION": version("faultline"),
    "SERVE_INCLUDE_SCHEMA": False,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "SORT_OPERATION_PARAMETERS": False,
    "POSTPROCESSING_HOOKS": ["config.openapi.finish_document"],
    "SERVERS": [{"url": "/", "description": "This server."}],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "displayRequestDuration": True,
        "docExpansion": "list",
        "defaultModelsExpandDepth": 0,
    },
}

# How many groups one request changes at most.
BULK_LIMIT = env.integer("FAULTLINE_BULK_LIMIT", default=5_000, least=1, most=50_000)

# How far ahead a token for an environment may expire.
MAX_TOKEN_DAYS = env.integer("FAULTLINE_MAX_TOKEN_DAYS", default=30, least=1, most=3650)

# Requests a minute; 0: no limit. Of one credential, the same for reports, and refused credentials
# from one address.
RATE_LIMIT = env.integer("FAULTLINE_RATE_LIMIT", default=1_200, least=0, most=10**9)
INGEST_RATE_LIMIT = env.integer("FAULTLINE_INGEST_RATE_LIMIT", default=0, least=0, most=10**9)
FAILED_AUTHENTICATION_LIMIT = env.integer(
    "FAULTLINE_FAILED_AUTHENTICATION_LIMIT", default=120, least=0, most=10**9
)
# Whose X-Forwarded-For is believed.
TRUSTED_PROXIES = env.networks("FAULTLINE_TRUSTED_PROXIES")

# Scripts of any site may call the API with a key or token of their own. They never come with the
# cookies of a person's browser, which the API does not know anyway.
CORS_URLS_REGEX = r"/api/"
CORS_ALLOW_ALL_ORIGINS = True
CORS_ALLOW_CREDENTIALS = False
CORS_ALLOW_METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "POST"]
CORS_ALLOW_HEADERS = [
    "accept",
    "authorization",
    "content-encoding",
    "content-type",
    "x-request-id",
    # What the published SDK sends from a browser, and its tracing.
    "baggage",
    "traceparent",
    "tracestate",
    "trigger-version",
    "x-trigger-api-version",
    "x-trigger-branch",
    "x-trigger-client",
    "x-trigger-engine-version",
    "x-trigger-realtime-streams-version",
    "x-trigger-request-idempotency-key",
    "x-trigger-sdk-credential-reason",
    "x-trigger-sdk-operation",
    "x-trigger-source",
    "x-trigger-span-parent-as-link",
    "x-trigger-worker",
]
CORS_EXPOSE_HEADERS = [
    "x-request-id",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "retry-after",
    "x-should-retry",
    "www-authenticate",
]
# Browsers remember for at most two hours what a preflight told them.
CORS_PREFLIGHT_MAX_AGE = 7_200

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
# A page that tells of a failure must not fail itself for want of a file.
WHITENOISE_MANIFEST_STRICT = False
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
# Pages load what this server has, run no script and use no style that stands in the page itself.
CONTENT_SECURITY_POLICY = {
    "EXCLUDE_URL_PREFIXES": ["/api/"],
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    },
}
if SECURE_SITE:
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOGGING_CONFIG = "config.logs.configure"
LOGGING = logging_settings(
    log_form(
        env.choice("FAULTLINE_LOG_FORMAT", LOG_FORMS, AUTOMATIC),
        debug=DEBUG,
        is_terminal=sys.stderr.isatty(),
    ),
    env.choice("FAULTLINE_LOG_LEVEL", LOG_LEVELS, "INFO"),
)
