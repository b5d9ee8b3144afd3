"""The tasks of the demo project: a wholesaler's shop with Python and Node.js workers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from errors_app.domain.demo.rhythm import EVEN, NIGHT, OFFICE, Rhythm
from errors_app.domain.demo.values import (
    Shape,
    currency,
    customer,
    email,
    invoice,
    one_of,
    order,
    prefixed,
    sku,
    uuid,
    whole,
    worded,
)


class Language(Enum):
    PYTHON = "python"
    NODE = "node"


@dataclass(frozen=True, slots=True)
class Schedule:
    """Runs every so many minutes, counted from midnight (UTC) plus `offset` minutes."""

    id: str
    every: int
    offset: int

    @property
    def daily(self) -> bool:
        return self.every == 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """`weight`: its share of the runs that no schedule starts; `seconds`: median duration;
    `idempotency`: the payload's member that makes the idempotency key."""

    identifier: str
    language: Language
    queue: str
    weight: float
    seconds: float
    payload: Shape
    output: Shape
    rhythm: Rhythm = OFFICE
    machine: str = "small-1x"
    tags: tuple[str, ...] = ()
    metadata: Shape = field(default_factory=dict)
    schedule: Schedule | None = None
    idempotency: str | None = None
    ttl: str | None = None
    batched: bool = False
    depth: int = 0


_PYTHON_TASKS = (
    Task(
        identifier="send-order-confirmation",
        language=Language.PYTHON,
        queue="mail",
        weight=19,
        seconds=1.4,
        payload={"orderId": order, "recipient": email, "locale": one_of("de", "en", "fr")},
        output={"messageId": worded("<${uuid}@mail.trellis.example>")},
        machine="micro",
        tags=("mail",),
        idempotency="orderId",
        ttl="1h",
    ),
    Task(
        identifier="render-invoice-pdf",
        language=Language.PYTHON,
        queue="documents",
        weight=13,
        seconds=6.5,
        payload={"invoice": invoice, "orderId": order, "currency": currency},
        output={"pages": whole(1, 9), "key": worded("invoices/${uuid}.pdf")},
        machine="small-2x",
        tags=("billing", "pdf"),
        idempotency="invoice",
        depth=1,
    ),
    Task(
        identifier="capture-payment",
        language=Language.PYTHON,
        queue="payments",
        weight=14,
        seconds=2.2,
        payload={"orderId": order, "amountCents": whole(1_900, 480_000), "currency": currency},
        output={"charge": prefixed("ch_", 14), "captured": one_of(True)},
        tags=("billing", "payments"),
        idempotency="orderId",
    ),
    Task(
        identifier="sync-payments",
        language=Language.PYTHON,
        queue="payments",
        weight=0,
        seconds=9,
        payload={"cursor": prefixed("evt_", 16), "limit": one_of(100)},
        output={"events": whole(0, 96), "cursor": prefixed("evt_", 16)},
        rhythm=EVEN,
        tags=("payments",),
        schedule=Schedule("sched_sync_payments", every=30, offset=4),
    ),
    Task(
        identifier="renew-subscription",
        language=Language.PYTHON,
        queue="billing",
        weight=5,
        seconds=3.1,
        payload={"customer": customer, "plan": one_of("starter", "team", "business")},
        output={"invoice": invoice, "amountCents": whole(2_900, 49_900)},
        rhythm=NIGHT,
        tags=("billing",),
    ),
    Task(
        identifier="import-stock-levels",
        language=Language.PYTHON,
        queue="imports",
        weight=6,
        seconds=48,
        payload={
            "supplier": one_of("alder", "birch", "cedar", "rowan"),
            "file": worded("s3://trellis-inbound/stock/${uuid}.csv"),
        },
        output={"rows": whole(120, 18_000), "changed": whole(0, 900)},
        rhythm=EVEN,
        machine="medium-1x",
        tags=("stock", "import"),
        metadata={"progress": one_of(100), "warehouse": one_of("north", "south")},
    ),
    Task(
        identifier="nightly-sales-report",
        language=Language.PYTHON,
        queue="reports",
        weight=0,
        seconds=410,
        payload={"scope": one_of("all-shops")},
        output={"orders": whole(300, 2_400), "revenueCents": whole(900_000, 9_000_000)},
        rhythm=NIGHT,
        machine="medium-2x",
        tags=("report",),
        schedule=Schedule("sched_nightly_sales", every=1440, offset=130),
    ),
    Task(
        identifier="export-orders",
        language=Language.PYTHON,
        queue="exports",
        weight=3.5,
        seconds=75,
        payload={"customer": customer, "requestedBy": email, "format": one_of("csv", "xlsx")},
        output={"rows": whole(40, 60_000), "key": worded("exports/orders-${uuid}.csv")},
        machine="medium-1x",
        tags=("export",),
        metadata={"progress": one_of(100)},
        ttl="2h",
    ),
    Task(
        identifier="score-churn-risk",
        language=Language.PYTHON,
        queue="ml",
        weight=2.5,
        seconds=130,
        payload={"customer": customer, "model": one_of("churn-v4", "churn-v5")},
        output={"accounts": whole(20, 4_000), "atRisk": whole(0, 90)},
        rhythm=NIGHT,
        machine="large-1x",
        tags=("ml",),
        metadata={"features": one_of(42, 47)},
    ),
    Task(
        identifier="send-dunning-reminders",
        language=Language.PYTHON,
        queue="mail",
        weight=0,
        seconds=95,
        payload={"level": one_of(1, 2, 3), "dryRun": one_of(False)},
        output={"sent": whole(4, 160)},
        tags=("billing", "mail"),
        schedule=Schedule("sched_dunning", every=1440, offset=485),
    ),
    Task(
        identifier="reconcile-payouts",
        language=Language.PYTHON,
        queue="billing",
        weight=0,
        seconds=37,
        payload={"account": one_of("main-eur", "main-chf")},
        output={"payouts": whole(1, 12), "open": whole(0, 2)},
        rhythm=NIGHT,
        tags=("billing", "payments"),
        schedule=Schedule("sched_reconcile", every=1440, offset=330),
    ),
)

_NODE_TASKS = (
    Task(
        identifier="index-product",
        language=Language.NODE,
        queue="search",
        weight=20,
        seconds=0.7,
        payload={"sku": sku, "reason": one_of("price", "stock", "text", "import")},
        output={"indexed": one_of(True), "fields": whole(18, 44)},
        rhythm=EVEN,
        machine="micro",
        tags=("search",),
        batched=True,
    ),
    Task(
        identifier="deliver-crm-webhook",
        language=Language.NODE,
        queue="webhooks",
        weight=15,
        seconds=1.1,
        payload={"event": one_of("order.paid", "contact.changed", "quote.sent"), "id": uuid},
        output={"statusCode": one_of(200, 200, 200, 202, 204)},
        machine="micro",
        tags=("crm",),
        idempotency="id",
    ),
    Task(
        identifier="resize-product-image",
        language=Language.NODE,
        queue="images",
        weight=9,
        seconds=3.6,
        payload={"sku": sku, "source": worded("uploads/${uuid}.jpg")},
        output={"sizes": one_of([320, 640, 1280]), "bytes": whole(18_000, 940_000)},
        machine="medium-1x",
        tags=("images",),
        batched=True,
    ),
    Task(
        identifier="geocode-address",
        language=Language.NODE,
        queue="enrichment",
        weight=5,
        seconds=0.9,
        payload={"orderId": order, "country": one_of("DE", "AT", "CH", "FR", "NL")},
        output={"precision": one_of("rooftop", "street", "city")},
        machine="micro",
        tags=("shipping",),
        depth=1,
    ),
    Task(
        identifier="refresh-exchange-rates",
        language=Language.NODE,
        queue="enrichment",
        weight=0,
        seconds=1.9,
        payload={"base": one_of("EUR")},
        output={"currencies": one_of(31), "changed": whole(0, 31)},
        rhythm=EVEN,
        machine="micro",
        tags=("billing",),
        schedule=Schedule("sched_exchange_rates", every=60, offset=7),
    ),
    Task(
        identifier="sync-shipment",
        language=Language.NODE,
        queue="shipping",
        weight=10,
        seconds=2.6,
        payload={"parcel": whole(100_000_000, 999_999_999), "carrier": one_of("swift", "boreal")},
        output={"state": one_of("in-transit", "delivered", "at-depot"), "events": whole(1, 9)},
        tags=("shipping",),
    ),
    Task(
        identifier="post-team-digest",
        language=Language.NODE,
        queue="notifications",
        weight=1.5,
        seconds=4.2,
        payload={"channel": one_of("sales", "support", "warehouse")},
        output={"posted": one_of(True)},
        machine="micro",
        tags=("chat",),
        ttl="30m",
    ),
)

TASKS: Mapping[str, Task] = {task.identifier: task for task in _PYTHON_TASKS + _NODE_TASKS}
