"""Bugs of the product catalogue: search and images (Node.js)."""

from errors_app.domain.demo.bug import Bug
from errors_app.domain.demo.environments import DEPLOYED, EVERYWHERE, DemoEnvironment
from errors_app.domain.demo.library_frames import BULLMQ, OPENSEARCH, S3_CLIENT
from errors_app.domain.demo.patterns import BadDeployment, Burst, Steady
from errors_app.domain.demo.stacks import Raised

_INDEX = ("tasks/index-product.js:58:18 async indexProduct", *BULLMQ)
_RESIZE = ("tasks/resize-product-image.js:44:23 async resizeProductImage", *BULLMQ)

_SEARCH_BUGS = (
    Bug(
        task="index-product",
        type="ResponseError",
        message="version_conflict_engine_exception: [version_conflict_engine_exception] Reason: "
        "[${sku}]: version conflict, required seqNo [${number}], primary term [3]",
        frames=(*OPENSEARCH, "search/documents.js:71:15 async putDocument", *_INDEX),
        when=(Steady(1.7),),
        attempts=1,
        environments=DEPLOYED,
    ),
    Bug(
        task="index-product",
        type="TypeError",
        message="Cannot read properties of undefined (reading 'variants')",
        frames=(
            "search/fields.js:33:27 variantFields",
            "search/fields.js:19:10 productFields",
            "search/documents.js:48:22 toDocument",
            *_INDEX,
        ),
        when=(BadDeployment(11, 84),),
        seconds=0.2,
        environments=DEPLOYED,
    ),
    Bug(
        task="index-product",
        type="ConnectionError",
        message="connect ECONNREFUSED 10.20.0.31:9200",
        frames=(
            "~/@opensearch-project/opensearch/lib/Transport.js:229:23 onResponse",
            "~/@opensearch-project/opensearch/lib/Connection.js:105:9 ClientRequest.onError",
            "node:events:519:28 ClientRequest.emit",
            "search/documents.js:71:15 async putDocument",
            *_INDEX,
        ),
        cause=Raised(
            "Error",
            "connect ECONNREFUSED 10.20.0.31:9200",
            ("node:net:1607:16 TCPConnectWrap.afterConnect [as oncomplete]",),
        ),
        when=(Burst(47, 6.6, 35, 34),),
    ),
    Bug(
        task="index-product",
        type="TimeoutError",
        message="Request timed out",
        frames=(
            "~/@opensearch-project/opensearch/lib/Connection.js:111:9 ClientRequest.onTimeout",
            "node:events:519:28 ClientRequest.emit",
            "node:net:590:8 Socket._onTimeout",
            "search/documents.js:71:15 async putDocument",
            *_INDEX,
        ),
        when=(Steady(0.4),),
        status="TIMED_OUT",
        seconds=30,
    ),
    Bug(
        task="index-product",
        type="RangeError",
        message="Maximum call stack size exceeded",
        frames=(
            "search/categories.js:26:18 ancestorsOf",
            "search/categories.js:29:12 ancestorsOf",
            "search/categories.js:29:12 ancestorsOf",
            "search/categories.js:29:12 ancestorsOf",
            "search/fields.js:41:20 categoryFields",
            *_INDEX,
        ),
        when=(Steady(0.3, since=32),),
    ),
    Bug(
        task="index-product",
        type="ReferenceError",
        message="boostOf is not defined",
        frames=(
            "search/fields.js:52:9 rankingFields",
            "search/fields.js:21:10 productFields",
            *_INDEX,
        ),
        when=(Burst(6, 9.2, 70, 180),),
        environments=(DemoEnvironment.DEV,),
    ),
    Bug(
        task="index-product",
        type="ConnectionError",
        message="connect ECONNREFUSED 127.0.0.1:9200",
        frames=(
            "~/@opensearch-project/opensearch/lib/Transport.js:229:23 onResponse",
            "~/@opensearch-project/opensearch/lib/Connection.js:105:9 ClientRequest.onError",
            "search/documents.js:71:15 async putDocument",
            *_INDEX,
        ),
        when=(Steady(9),),
        environments=(DemoEnvironment.DEV,),
    ),
)

_IMAGE_BUGS = (
    Bug(
        task="resize-product-image",
        type="Error",
        message="Input buffer contains unsupported image format",
        frames=(
            "~/sharp/lib/input.js:487:17 Sharp.metadata",
            "images/measure.js:14:35 async measure",
            *_RESIZE,
        ),
        when=(Steady(2),),
        attempts=1,
        environments=EVERYWHERE,
    ),
    Bug(
        task="resize-product-image",
        type="ProcessKilled",
        message="The worker process ${number} was killed by signal SIGKILL (out of memory)",
        frames=("runtime/supervisor.js:77:13 ChildProcess.onExit", "node:events:519:28 emit"),
        when=(Steady(0.42),),
        status="CRASHED",
        seconds=8,
    ),
    Bug(
        task="resize-product-image",
        type="NoSuchKey",
        message="The specified key does not exist.",
        frames=(*S3_CLIENT, "images/storage.js:27:20 async download", *_RESIZE),
        when=(Steady(0.5),),
        seconds=0.4,
        environments=EVERYWHERE,
    ),
    Bug(
        task="resize-product-image",
        type="Error",
        message="Input image exceeds pixel limit",
        frames=(
            "~/sharp/lib/output.js:1586:17 Sharp.toBuffer",
            "images/variants.js:39:30 async renderVariant",
            *_RESIZE,
        ),
        when=(Steady(0.2, since=66),),
    ),
    Bug(
        task="resize-product-image",
        type="TypeError",
        message="image.keepIccProfile is not a function",
        frames=(
            "images/variants.js:18:25 encodeVariant",
            "images/variants.js:31:17 renderVariants",
            *_RESIZE,
        ),
        when=(Burst(86, 11.5, 80, 13),),
        environments=DEPLOYED,
    ),
)

BUGS = (*_SEARCH_BUGS, *_IMAGE_BUGS)
