"""Frames of the libraries that the demo's workers use, as they stand in their stacks."""

CELERY = (
    "~/celery/app/trace.py:453 trace_task | R = retval = fun(*args, **kwargs)",
    "~/celery/app/trace.py:736 __protected_call__ | return self.run(*args, **kwargs)",
    "~/celery/app/autoretry.py:38 run | return task._orig_run(*args, **kwargs)",
)
REQUESTS = (
    "~/requests/sessions.py:589 request | resp = self.send(prep, **send_kwargs)",
    "~/requests/sessions.py:703 send | r = adapter.send(request, **kwargs)",
)
URLLIB3_READ = (
    "~/urllib3/connectionpool.py:787 urlopen | response = self._make_request(",
    "~/urllib3/connectionpool.py:534 _make_request | response = conn.getresponse()",
    "~/urllib3/connection.py:516 getresponse | httplib_response = super().getresponse()",
    "^/http/client.py:1428 getresponse | response.begin()",
    "^/socket.py:720 readinto | return self._sock.recv_into(b)",
)
URLLIB3_CONNECT = (
    "~/urllib3/connection.py:198 _new_conn | sock = connection.create_connection(",
    "~/urllib3/util/connection.py:85 create_connection | raise err",
    "~/urllib3/util/connection.py:73 create_connection | sock.connect(sa)",
)
DJANGO_QUERY = (
    "~/django/db/models/manager.py:87 manager_method | return getattr(self.get_queryset(), name)"
    "(*args, **kwargs)",
    "~/django/db/models/query.py:649 get | raise self.model.DoesNotExist(",
)
DJANGO_SAVE = (
    "~/django/db/models/base.py:902 save | self.save_base(",
    "~/django/db/models/base.py:1008 save_base | updated = self._save_table(",
    "~/django/db/models/sql/compiler.py:1822 execute_sql | cursor.execute(sql, params)",
    "~/django/db/backends/utils.py:79 execute | return self._execute_with_wrappers(",
    "~/django/db/backends/utils.py:105 _execute | return self.cursor.execute(sql, params)",
)
DJANGO_CONNECT = (
    "~/django/db/backends/base/base.py:256 ensure_connection | self.connect()",
    "~/django/db/backends/postgresql/base.py:332 get_new_connection | connection = self.Database"
    ".connect(**conn_params)",
    "~/psycopg/connection.py:117 connect | raise last_ex.with_traceback(None)",
)
SQLALCHEMY = (
    "~/sqlalchemy/orm/session.py:2365 execute | return self._execute_internal(",
    "~/sqlalchemy/engine/base.py:1416 execute | return meth(",
    "~/sqlalchemy/engine/base.py:1843 _execute_context | return self._exec_single_context(",
    "~/sqlalchemy/engine/default.py:943 do_execute | cursor.execute(statement, parameters)",
    "~/psycopg/cursor.py:97 execute | raise ex.with_traceback(None)",
)
BOTO3 = (
    "~/botocore/client.py:569 _api_call | return self._make_api_call(operation_name, kwargs)",
    "~/botocore/client.py:1023 _make_api_call | raise error_class(parsed_response, operation_name)",
)
SMTP = (
    "~/django/core/mail/message.py:301 send | return self.get_connection(fail_silently)"
    ".send_messages([self])",
    "~/django/core/mail/backends/smtp.py:136 send_messages | sent = self._send(message)",
    "~/django/core/mail/backends/smtp.py:156 _send | self.connection.sendmail(",
)
PANDAS = (
    "~/pandas/io/parsers/readers.py:1026 read_csv | return _read(filepath_or_buffer, kwds)",
    "~/pandas/io/parsers/readers.py:626 _read | return parser.read(nrows)",
    "~/pandas/io/parsers/c_parser_wrapper.py:234 read | chunks = self._reader.read_low_memory"
    "(nrows)",
)

BULLMQ = (
    "node:internal/process/task_queues:95:5 process.processTicksAndRejections",
    "runtime/worker.js:61:22 async runTask",
    "~/bullmq/dist/cjs/classes/worker.js:511:32 async Worker.processJob",
    "~/bullmq/dist/cjs/classes/worker.js:523:24 async Worker.retryIfFailed",
)
AXIOS = (
    "~/axios/dist/node/axios.cjs:2019:12 settle",
    "~/axios/dist/node/axios.cjs:3135:11 IncomingMessage.handleStreamEnd",
    "node:events:531:35 IncomingMessage.emit",
    "node:internal/streams/readable:1696:12 endReadableNT",
)
AXIOS_FAILED = (
    "~/axios/dist/node/axios.cjs:851:14 AxiosError.from",
    "~/axios/dist/node/axios.cjs:3187:25 RedirectableRequest.handleRequestError",
    "node:events:519:28 RedirectableRequest.emit",
    "~/follow-redirects/index.js:49:24 eventHandlers.<computed>",
)
FETCH = ("node:internal/deps/undici/undici:13185:13",)
PG = (
    "~/pg-pool/index.js:45:11",
    "node:internal/process/task_queues:95:5 process.processTicksAndRejections",
)
ZOD = (
    "~/zod/v3/types.js:192:31 get error",
    "~/zod/v3/types.js:143:22 ZodObject.parse",
)
OPENSEARCH = (
    "~/@opensearch-project/opensearch/lib/Transport.js:476:17 onBody",
    "~/@opensearch-project/opensearch/lib/Transport.js:321:9 IncomingMessage.onEnd",
    "node:events:531:35 IncomingMessage.emit",
)
S3_CLIENT = (
    "~/@aws-sdk/client-s3/dist-cjs/index.js:4812:20 de_NoSuchKeyRes",
    "~/@aws-sdk/client-s3/dist-cjs/index.js:4701:19 de_CommandError",
    "node:internal/process/task_queues:95:5 process.processTicksAndRejections",
    "~/@smithy/middleware-serde/dist-cjs/index.js:36:20",
    "~/@smithy/middleware-retry/dist-cjs/index.js:320:38 async retryMiddleware",
)
