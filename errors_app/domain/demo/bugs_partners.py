"""Bugs of the links to partners: CRM, carriers, maps, rates, chat (Node.js)."""

from errors_app.domain.demo.bug import Bug
from errors_app.domain.demo.environments import DEPLOYED, EVERYWHERE
from errors_app.domain.demo.library_frames import AXIOS, AXIOS_FAILED, BULLMQ, FETCH, PG, ZOD
from errors_app.domain.demo.patterns import Burst, Recent, Steady
from errors_app.domain.demo.stacks import Raised

_DELIVER = ("tasks/deliver-crm-webhook.js:39:22 async deliverCrmWebhook", *BULLMQ)
_GEOCODE = ("tasks/geocode-address.js:27:20 async geocodeAddress", *BULLMQ)
_RATES = ("tasks/refresh-exchange-rates.js:22:17 async refreshExchangeRates", *BULLMQ)
_SHIPMENT = ("tasks/sync-shipment.js:51:24 async syncShipment", *BULLMQ)
_DIGEST = ("tasks/post-team-digest.js:33:9 async postTeamDigest", *BULLMQ)


def _zod(code: str, expected: str, received: str, path: str) -> str:
    """The message of a ZodError with one finding."""
    return (
        f'[\n  {{\n    "code": "{code}",\n    "expected": "{expected}",\n'
        f'    "received": "{received}",\n    "path": [\n      {path}\n    ],\n'
        f'    "message": "Expected {expected}, received {received}"\n  }}\n]'
    )


_CRM_BUGS = (
    Bug(
        task="deliver-crm-webhook",
        type="TypeError",
        message="fetch failed",
        frames=(*FETCH, "crm/client.js:46:24 async post", *_DELIVER),
        cause=Raised(
            "Error",
            "getaddrinfo ENOTFOUND hooks.salesnest.example",
            ("node:dns:107:26 GetAddrInfoReqWrap.onlookupall [as oncomplete]",),
        ),
        when=(Steady(0.7), Burst(29, 8.1, 140, 36)),
        environments=EVERYWHERE,
    ),
    Bug(
        task="deliver-crm-webhook",
        type="WebhookRefused",
        message="The endpoint answered 410 Gone: https://hooks.salesnest.example/in/${uuid}",
        frames=(
            "crm/client.js:58:11 checkAnswer",
            "crm/client.js:47:5 post",
            "crm/client.js:31:10 deliver",
            *_DELIVER,
        ),
        when=(Steady(2.6, since=76, until=38),),
        attempts=1,
    ),
    Bug(
        task="deliver-crm-webhook",
        type="AbortError",
        message="This operation was aborted",
        frames=(
            *FETCH,
            "node:internal/process/task_queues:95:5 process.processTicksAndRejections",
            "crm/timeouts.js:17:12 async withTimeout",
            *_DELIVER,
        ),
        when=(Steady(1.9),),
        seconds=15,
        environments=DEPLOYED,
    ),
    Bug(
        task="deliver-crm-webhook",
        type="ZodError",
        message=_zod("invalid_type", "string", "null", '"contact",\n      "companyName"'),
        frames=(*ZOD, "crm/contacts.js:23:31 parseContact", *_DELIVER),
        when=(Recent(20, 17),),
        seconds=0.1,
    ),
    Bug(
        task="deliver-crm-webhook",
        type="SyntaxError",
        message="Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON",
        frames=(
            "<anonymous>:1:1 JSON.parse",
            "node:internal/deps/undici/undici:5584:19 parseJSONFromBytes",
            "node:internal/deps/undici/undici:5555:27 successSteps",
            "crm/client.js:61:18 async answerOf",
            *_DELIVER,
        ),
        when=(Steady(0.25),),
    ),
)

_SHIPPING_BUGS = (
    Bug(
        task="geocode-address",
        type="AxiosError",
        message="Request failed with status code 429",
        frames=(*AXIOS, "maps/client.js:38:22 async lookUp", *_GEOCODE),
        when=(Steady(6, since=1.8, growth=2),),
        seconds=0.4,
    ),
    Bug(
        task="geocode-address",
        type="ZodError",
        message=_zod(
            "invalid_type", "object", "undefined", '"results",\n      0,\n      "geometry"'
        ),
        frames=(*ZOD, "maps/answers.js:19:27 parseAnswer", *_GEOCODE),
        when=(Steady(0.3),),
        environments=DEPLOYED,
    ),
    Bug(
        task="geocode-address",
        type="TypeError",
        message="Cannot destructure property 'lat' of 'result.location' as it is undefined.",
        frames=(
            "maps/answers.js:41:11 positionOf",
            "maps/answers.js:30:12 toPosition",
            *_GEOCODE,
        ),
        when=(Steady(1.3, since=84),),
        fixed=53,
        environments=DEPLOYED,
    ),
    Bug(
        task="sync-shipment",
        type="AxiosError",
        message="timeout of 15000ms exceeded",
        frames=(*AXIOS_FAILED, "carriers/client.js:52:21 async events", *_SHIPMENT),
        when=(Steady(1.1), Burst(43, 14.5, 75, 29)),
        seconds=15.3,
        environments=EVERYWHERE,
    ),
    Bug(
        task="sync-shipment",
        type="DatabaseError",
        message='duplicate key value violates unique constraint "shipment_events_pkey"',
        frames=(*PG, "carriers/store.js:34:5 async insertEvents", *_SHIPMENT),
        when=(Steady(0.6),),
        environments=DEPLOYED,
    ),
    Bug(
        task="sync-shipment",
        type="UnknownCarrierStatus",
        message='Boreal sent the status "RETURNED_TO_DEPOT" for parcel ${parcel}',
        frames=(
            "carriers/boreal.js:74:11 stateOf",
            "carriers/boreal.js:52:14 toEvent",
            "carriers/boreal.js:31:29 Array.map",
            "carriers/boreal.js:31:29 toEvents",
            *_SHIPMENT,
        ),
        when=(Steady(9, since=0.9), Recent(200, 3)),
        seconds=1.2,
    ),
    Bug(
        task="sync-shipment",
        type="HeartbeatLost",
        message="No heartbeat from the worker for 60 seconds (last one at ${minute_ago})",
        frames=(
            "runtime/supervisor.js:112:15 checkHeartbeats",
            "node:internal/timers:594:17 listOnTimeout",
        ),
        when=(Steady(0.2),),
        status="SYSTEM_FAILURE",
        seconds=95,
    ),
)

_OFFICE_BUGS = (
    Bug(
        task="refresh-exchange-rates",
        type="AxiosError",
        message="getaddrinfo EAI_AGAIN rates.fxfeed.example",
        frames=(*AXIOS_FAILED, "rates/client.js:19:26 async latest", *_RATES),
        when=(Steady(0.16),),
    ),
    Bug(
        task="refresh-exchange-rates",
        type="ZodError",
        message=_zod("invalid_type", "number", "string", '"rates",\n      "HUF"'),
        frames=(*ZOD, "rates/answers.js:12:24 parseRates", *_RATES),
        when=(Burst(26, 2, 480, 30),),
        attempts=1,
    ),
    Bug(
        task="post-team-digest",
        type="WebAPIPlatformError",
        message="An API error occurred: token_revoked",
        frames=(
            "chat/errors.js:62:25 platformErrorFromResult",
            "chat/client.js:149:15 ChatClient.apiCall",
            "node:internal/process/task_queues:95:5 process.processTicksAndRejections",
            "chat/digest.js:57:3 async post",
            *_DIGEST,
        ),
        when=(Steady(0.8, since=17.5),),
        attempts=1,
    ),
    Bug(
        task="post-team-digest",
        type="TypeError",
        message="digest.since.toISOString is not a function",
        frames=(
            "chat/digest.js:24:35 digestQuery",
            "chat/digest.js:41:22 collectDigest",
            *_DIGEST,
        ),
        when=(Burst(78, 6.5, 90, 3),),
    ),
)

BUGS = (*_CRM_BUGS, *_SHIPPING_BUGS, *_OFFICE_BUGS)
