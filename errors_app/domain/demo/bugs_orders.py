"""Bugs of order mails, invoices, exports and reports (Python)."""

from errors_app.domain.demo.bug import Bug
from errors_app.domain.demo.environments import DEPLOYED
from errors_app.domain.demo.library_frames import (
    BOTO3,
    CELERY,
    DJANGO_CONNECT,
    DJANGO_QUERY,
    SMTP,
)
from errors_app.domain.demo.patterns import BadDeployment, Burst, Steady

DATABASE_FULL = (
    'connection to server at "db-primary.trellis.example" (10.20.0.15), port 5432 failed: '
    "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute"
)
# The database fails every task alike, before a line of the task's own runs.
_BEFORE_ANY_TASK = (
    "~/celery/app/trace.py:447 trace_task | task_before_start(uuid, args, kwargs)",
    "workers/task.py:24 before_start | self.switches = Switch.objects.in_bulk(SWITCHES)",
    DJANGO_QUERY[0],
    *DJANGO_CONNECT,
)

_CONFIRM = (
    *CELERY,
    "orders/tasks.py:41 send_order_confirmation | mail = confirmation_mail(order, locale)",
)
_SEND = (*CELERY, "orders/tasks.py:44 send_order_confirmation | mail.send(fail_silently=False)")
_RENDER = (*CELERY, "invoices/tasks.py:63 render_invoice_pdf | document = build(invoice)")
_GET_INVOICE = (
    "invoices/tasks.py:58 render_invoice_pdf | invoice = Invoice.objects.get(number=number)"
)
_EXPORT = (*CELERY, "exports/tasks.py:52 export_orders | key = write_export(job, rows_of(job))")

_MAIL_BUGS = (
    Bug(
        task="send-order-confirmation",
        type="KeyError",
        message="'shipping_address'",
        frames=(
            *_CONFIRM,
            "orders/mails.py:77 confirmation_mail | context = mail_context(order)",
            "orders/mails.py:112 mail_context | lines = address_lines(order.snapshot)",
            'orders/addresses.py:29 address_lines | address = snapshot["shipping_address"]',
        ),
        when=(Steady(1.2, since=71),),
        fixed=24,
        environments=DEPLOYED,
    ),
    Bug(
        task="send-order-confirmation",
        type="SMTPRecipientsRefused",
        module="smtplib",
        message="{'${recipient}': (550, b'5.1.1 <${recipient}>: Recipient address rejected: User "
        "unknown')}",
        frames=(
            *_SEND,
            *SMTP,
            "^/smtplib.py:887 sendmail | raise SMTPRecipientsRefused(senderrs)",
        ),
        when=(Steady(1.5),),
        attempts=1,
    ),
    Bug(
        task="send-order-confirmation",
        type="SMTPServerDisconnected",
        module="smtplib",
        message="Connection unexpectedly closed",
        frames=(
            *_SEND,
            *SMTP,
            "^/smtplib.py:871 sendmail | (code, resp) = self.mail(from_addr, esmtp_opts)",
            '^/smtplib.py:405 getreply | raise SMTPServerDisconnected("Connection unexpectedly '
            'closed")',
        ),
        when=(Burst(19, 9.3, 45, 38),),
    ),
    Bug(
        task="send-order-confirmation",
        type="TemplateDoesNotExist",
        module="django.template.exceptions",
        message="mail/order_confirmation.fr_CH.txt",
        frames=(
            *_CONFIRM,
            "orders/mails.py:81 confirmation_mail | text = render_to_string(template, context)",
            "~/django/template/loader.py:61 render_to_string | template = get_template("
            "template_name, using=using)",
            "~/django/template/loader.py:19 get_template | raise TemplateDoesNotExist("
            "template_name, chain=chain)",
        ),
        when=(Burst(70, 15.2, 5, 1),),
    ),
)

_INVOICE_BUGS = (
    Bug(
        task="render-invoice-pdf",
        type="OSError",
        message="cannot load library 'libpango-1.0-0': libpango-1.0-0: cannot open shared object "
        "file: No such file or directory",
        frames=(
            *_RENDER,
            "invoices/documents.py:18 build | from weasyprint import HTML",
            "~/weasyprint/__init__.py:433 <module> | from .css import preprocess_stylesheet",
            "~/weasyprint/text/ffi.py:475 <module> | pango = _dlopen(ffi, 'libpango-1.0-0')",
            "~/cffi/api.py:150 dlopen | lib, function_cache = _make_ffi_library(self, name, flags)",
        ),
        when=(BadDeployment(33, 92),),
        seconds=0.3,
        environments=DEPLOYED,
    ),
    Bug(
        task="render-invoice-pdf",
        type="InvalidOperation",
        module="decimal",
        message="[<class 'decimal.ConversionSyntax'>]",
        frames=(
            *_RENDER,
            "invoices/documents.py:47 build | totals = totals_of(invoice)",
            "invoices/totals.py:33 totals_of | net = sum(net_of(line) for line in invoice.lines)",
            "invoices/totals.py:58 net_of | return Decimal(line.discount) * line.quantity",
        ),
        when=(Steady(0.22),),
    ),
    Bug(
        task="render-invoice-pdf",
        type="DoesNotExist",
        module="trellis.invoices.models.Invoice",
        message="Invoice matching query does not exist.",
        frames=(
            *CELERY,
            _GET_INVOICE,
            *DJANGO_QUERY,
        ),
        when=(Steady(1.1),),
        seconds=0.2,
        environments=DEPLOYED,
    ),
    Bug(
        task="render-invoice-pdf",
        type="TimeLimitExceeded",
        module="billiard.exceptions",
        message="Hard time limit of 300 s exceeded",
        frames=(
            "~/billiard/pool.py:683 on_hard_timeout | raise TimeLimitExceeded(job._timeout)",
            "~/celery/worker/request.py:581 on_timeout | task_ready(self)",
        ),
        when=(Steady(0.25, growth=5),),
        status="TIMED_OUT",
        seconds=300,
    ),
    Bug(
        task="render-invoice-pdf",
        type="OperationalError",
        module="django.db.utils",
        message=DATABASE_FULL,
        frames=_BEFORE_ANY_TASK,
        when=(Burst(16, 10.4, 50, 31),),
        seconds=5,
    ),
)

_EXPORT_BUGS = (
    Bug(
        task="export-orders",
        type="OperationalError",
        module="django.db.utils",
        message=DATABASE_FULL,
        frames=_BEFORE_ANY_TASK,
        when=(Burst(16, 10.4, 50, 12),),
        seconds=5,
    ),
    Bug(
        task="export-orders",
        type="ClientError",
        module="botocore.exceptions",
        message="An error occurred (SlowDown) when calling the PutObject operation (reached max "
        "retries: 4): Please reduce your request rate.",
        frames=(
            *_EXPORT,
            "exports/storage.py:38 write_export | s3.put_object(Bucket=BUCKET, Key=key, Body=body)",
            *BOTO3,
        ),
        when=(Steady(0.3),),
    ),
    Bug(
        task="export-orders",
        type="ClientError",
        module="botocore.exceptions",
        message="An error occurred (ExpiredToken) when calling the UploadPart operation: The "
        "provided token has expired.",
        frames=(
            *_EXPORT,
            "exports/storage.py:61 write_export | upload.part(number, chunk)",
            "exports/storage.py:84 part | s3.upload_part(**self.target, Body=chunk)",
            *BOTO3,
        ),
        when=(Burst(39, 7.5, 690, 27),),
    ),
    Bug(
        task="export-orders",
        type="OSError",
        message="[Errno 28] No space left on device: '/var/tmp/exports/orders-${uuid}.csv'",
        frames=(
            *_EXPORT,
            "exports/storage.py:29 write_export | writer.writerow(row)",
            "^/csv.py:164 writerow | return self.writer.writerow(self._dict_to_list(rowdict))",
            "^/tempfile.py:499 func_wrapper | return func(*args, **kwargs)",
        ),
        when=(Burst(22, 13.1, 190, 16),),
    ),
    Bug(
        task="export-orders",
        type="SoftTimeLimitExceeded",
        module="billiard.exceptions",
        message="The export of ${number} rows was still running after 15 minutes",
        frames=(
            *_EXPORT,
            "exports/storage.py:27 write_export | for row in rows:",
            "exports/rows.py:40 rows_of | for order in orders.iterator(chunk_size=500):",
            "~/celery/apps/worker.py:312 on_soft_timeout | raise SoftTimeLimitExceeded()",
        ),
        when=(Steady(0.2, since=55, growth=6),),
        status="TIMED_OUT",
        seconds=900,
    ),
)

_REPORT_BUGS = (
    Bug(
        task="nightly-sales-report",
        type="ProgrammingError",
        module="django.db.utils",
        message="column \"net_total_cents\" does not exist\nLINE 1: SELECT date_trunc('day', "
        "placed_at), sum(net_total_cents)",
        frames=(
            *CELERY,
            "reports/tasks.py:33 nightly_sales_report | sales = sales_by_day(scope, day)",
            "reports/sales.py:71 sales_by_day | cursor.execute(SALES_BY_DAY, [scope, day])",
            "~/django/db/backends/utils.py:79 execute | return self._execute_with_wrappers(",
            "~/django/db/backends/utils.py:105 _execute | return self.cursor.execute(sql, params)",
        ),
        when=(Steady(6, since=61.5, until=56),),
        seconds=2,
        fixed=57,
    ),
    Bug(
        task="nightly-sales-report",
        type="WorkerLostError",
        module="billiard.einfo",
        message="Worker exited prematurely: signal 9 (SIGKILL) Job: ${number}.",
        frames=("~/billiard/pool.py:1267 mark_as_worker_lost | raise WorkerLostError(",),
        when=(Steady(0.11),),
        status="CRASHED",
        seconds=620,
    ),
)

BUGS = (*_MAIL_BUGS, *_INVOICE_BUGS, *_EXPORT_BUGS, *_REPORT_BUGS)
