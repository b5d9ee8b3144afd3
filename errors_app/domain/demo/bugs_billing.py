"""Bugs of payments, subscriptions and reminders (Python)."""

from errors_app.domain.demo.bug import Bug
from errors_app.domain.demo.environments import DEPLOYED, DemoEnvironment
from errors_app.domain.demo.library_frames import (
    CELERY,
    DJANGO_SAVE,
    REQUESTS,
    URLLIB3_CONNECT,
    URLLIB3_READ,
)
from errors_app.domain.demo.patterns import Burst, Steady
from errors_app.domain.demo.stacks import Raised

_CAPTURE = (
    *CELERY,
    "payments/tasks.py:88 capture_payment | charge = gateway.capture(payment)",
    "payments/gateway.py:54 capture | return self._post(f'/v1/charges/{payment.ref}', body)",
)
_GATEWAY_POST = (
    "payments/gateway.py:121 _post | response = self._session.post(url, json=body, timeout=10)",
    *REQUESTS,
)
_SYNC = (
    *CELERY,
    "payments/tasks.py:141 sync_payments | page = gateway.events(after=cursor)",
    "payments/gateway.py:97 events | return self._get('/v1/events', after=after)",
)
_RENEW = (*CELERY, "billing/tasks.py:72 renew_subscription | invoice = renew(subscription, today)")

_PAYMENT_BUGS = (
    Bug(
        task="capture-payment",
        type="ReadTimeout",
        module="requests.exceptions",
        message="HTTPSConnectionPool(host='api.paybridge.example', port=443): Read timed out. "
        "(read timeout=10)",
        frames=(
            *_CAPTURE,
            *_GATEWAY_POST,
            "~/requests/adapters.py:713 send | raise ReadTimeout(e, request=request)",
        ),
        cause=Raised("TimeoutError", "The read operation timed out", URLLIB3_READ),
        when=(Burst(9, 13.2, 120, 138), Steady(0.14)),
        seconds=10.2,
        environments=DEPLOYED,
    ),
    Bug(
        task="capture-payment",
        type="ConnectionError",
        module="requests.exceptions",
        message="HTTPSConnectionPool(host='api.paybridge.example', port=443): Max retries exceeded "
        "with url: /v1/charges/${charge} (Caused by NewConnectionError('<urllib3.connection."
        "HTTPSConnection object at ${address}>: Failed to establish a new connection: [Errno 111] "
        "Connection refused'))",
        frames=(
            *_CAPTURE,
            *_GATEWAY_POST,
            "~/requests/adapters.py:700 send | raise ConnectionError(e, request=request)",
        ),
        cause=Raised("ConnectionRefusedError", "[Errno 111] Connection refused", URLLIB3_CONNECT),
        when=(Burst(9, 13.9, 55, 57),),
        seconds=1.1,
    ),
    Bug(
        task="capture-payment",
        type="CardDeclined",
        module="trellis.payments.errors",
        message="The card was declined: insufficient funds (charge ${charge})",
        frames=(
            *_CAPTURE,
            "payments/gateway.py:126 _post | raise_for_decline(response)",
            "payments/errors.py:41 raise_for_decline | raise CardDeclined(decline, charge)",
        ),
        when=(Steady(5.6),),
        attempts=1,
        environments=DEPLOYED,
    ),
    Bug(
        task="capture-payment",
        type="IntegrityError",
        module="django.db.utils",
        message="duplicate key value violates unique constraint "
        '"payments_payment_idempotency_key_uniq"\nDETAIL:  Key (idempotency_key)=(${uuid}) '
        "already exists.",
        frames=(
            *CELERY,
            "payments/tasks.py:84 capture_payment | payment = record_attempt(order, key)",
            "payments/attempts.py:36 record_attempt | attempt.save(force_insert=True)",
            *DJANGO_SAVE,
        ),
        when=(Steady(0.9),),
        fixed=46,
        environments=DEPLOYED,
    ),
    Bug(
        task="capture-payment",
        type="SignatureExpired",
        module="trellis.payments.errors",
        message="The confirmation was signed at ${epoch}, more than 5 minutes ago",
        frames=(
            *CELERY,
            "payments/tasks.py:80 capture_payment | confirmation = confirmed(payload)",
            "payments/signatures.py:22 confirmed | check_age(signature, clock.now())",
            "payments/signatures.py:47 check_age | raise SignatureExpired(signature.time)",
        ),
        when=(Steady(0.35, since=41),),
    ),
    Bug(
        task="sync-payments",
        type="HTTPError",
        module="requests.exceptions",
        message="502 Server Error: Bad Gateway for url: "
        "https://api.paybridge.example/v1/events?after=${event}",
        frames=(
            *_SYNC,
            "payments/gateway.py:133 _get | response.raise_for_status()",
            "~/requests/models.py:1024 raise_for_status | raise HTTPError(http_error_msg, "
            "response=self)",
        ),
        when=(Burst(9, 13.2, 120, 12), Burst(51, 4, 90, 8)),
        seconds=2,
    ),
    Bug(
        task="sync-payments",
        type="JSONDecodeError",
        module="requests.exceptions",
        message="Expecting value: line 1 column 1 (char 0)",
        frames=(
            *_SYNC,
            "payments/gateway.py:134 _get | return response.json()",
            "~/requests/models.py:978 json | raise RequestsJSONDecodeError(e.msg, e.doc, e.pos)",
        ),
        cause=Raised(
            "json.decoder.JSONDecodeError",
            "Expecting value: line 1 column 1 (char 0)",
            (
                "~/requests/models.py:974 json | return complexjson.loads(self.text, **kwargs)",
                "^/json/__init__.py:346 loads | return _default_decoder.decode(s)",
                '^/json/decoder.py:355 raw_decode | raise JSONDecodeError("Expecting value", s, '
                "err.value)",
            ),
        ),
        when=(Steady(0.13),),
    ),
    Bug(
        task="sync-payments",
        type="DataError",
        module="django.db.utils",
        message="value too long for type character varying(64)",
        frames=(
            *CELERY,
            "payments/tasks.py:149 sync_payments | store_events(page)",
            "payments/events.py:63 store_events | event.save()",
            *DJANGO_SAVE,
        ),
        when=(Steady(2.2, since=5.4),),
    ),
)

_SUBSCRIPTION_BUGS = (
    Bug(
        task="renew-subscription",
        type="ValueError",
        message="Plan starter-2019 has no price in CHF",
        frames=(
            *_RENEW,
            "billing/renewals.py:44 renew | price = price_of(subscription.plan, currency)",
            "billing/prices.py:27 price_of | return price_list(plan).amount(currency)",
            "billing/prices.py:58 amount | raise ValueError(f'Plan {self.plan} has no price in "
            "{currency}')",
        ),
        when=(Steady(0.5, since=81),),
        fixed=28,
    ),
    Bug(
        task="renew-subscription",
        type="TypeError",
        message="unsupported operand type(s) for -: 'datetime.datetime' and 'NoneType'",
        frames=(
            *_RENEW,
            "billing/renewals.py:51 renew | credit = unused_credit(subscription, today)",
            "billing/credits.py:19 unused_credit | unused = unused_time(subscription)",
            "billing/credits.py:34 unused_time | return subscription.ends_at - subscription"
            ".paused_at",
        ),
        when=(Steady(1.1, since=13.6),),
        environments=DEPLOYED,
    ),
    Bug(
        task="renew-subscription",
        type="OperationalError",
        module="django.db.utils",
        message="deadlock detected\nDETAIL:  Process ${number} waits for ShareLock on transaction "
        "${transaction}; blocked by process ${other_number}.",
        frames=(
            *_RENEW,
            "billing/renewals.py:66 renew | subscription.save(update_fields=['renews_at'])",
            *DJANGO_SAVE,
        ),
        when=(Steady(0.2),),
    ),
    Bug(
        task="send-dunning-reminders",
        type="SenderRateLimited",
        module="trellis.mail.errors",
        message="The mail relay takes no more from billing@trellis.example until ${next_hour}",
        frames=(
            *CELERY,
            "billing/dunning.py:91 send_dunning_reminders | relay.send_all(reminders)",
            "mail/relay.py:57 send_all | self._post(batch)",
            "mail/relay.py:83 _post | raise SenderRateLimited(sender, until)",
        ),
        when=(Steady(0.2),),
        seconds=20,
    ),
    Bug(
        task="send-dunning-reminders",
        type="AttributeError",
        message="'NoneType' object has no attribute 'billing_contact'",
        frames=(
            *CELERY,
            "billing/dunning.py:74 send_dunning_reminders | reminders = reminders_for(overdue)",
            "billing/dunning.py:118 reminders_for | recipient = recipient_of(invoice.account)",
            "billing/contacts.py:21 recipient_of | return account.owner.billing_contact.email",
        ),
        when=(Steady(4, since=6.2),),
        seconds=6,
    ),
    Bug(
        task="reconcile-payouts",
        type="PayoutMismatch",
        module="trellis.payments.errors",
        message="Payout ${payout} differs from its charges by ${number} cents",
        frames=(
            *CELERY,
            "payments/payouts.py:58 reconcile_payouts | compare(payout, charges)",
            "payments/payouts.py:97 compare | check_total(payout, sum(charges))",
            "payments/payouts.py:112 check_total | raise PayoutMismatch(payout, difference)",
        ),
        when=(Steady(0.24),),
        attempts=1,
    ),
    Bug(
        task="capture-payment",
        type="ImproperlyConfigured",
        module="django.core.exceptions",
        message="Set the PAYBRIDGE_SECRET environment variable",
        frames=(
            *CELERY,
            "payments/tasks.py:86 capture_payment | gateway = gateway_from_settings()",
            "payments/gateway.py:31 gateway_from_settings | secret = env('PAYBRIDGE_SECRET')",
            "~/environ/environ.py:406 get_value | raise ImproperlyConfigured(error_msg) from exc",
        ),
        when=(Steady(30, since=48.5, until=46.5),),
        environments=(DemoEnvironment.STAGING, DemoEnvironment.DEV),
        seconds=0.1,
    ),
)

BUGS = (*_PAYMENT_BUGS, *_SUBSCRIPTION_BUGS)
