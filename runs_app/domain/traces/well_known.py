"""Libraries that are known by the names of their packages, where a trace does not show where they
are installed. A name here stands for everything below it.
"""

from typing import Final

JAVA_PLATFORM: Final = frozenset(
    {
        "java", "javax", "jdk", "sun", "com.sun", "jakarta", "kotlin", "kotlinx", "scala", "groovy",
        "clojure", "android", "androidx", "dalvik", "com.android", "org.w3c", "org.xml", "org.omg",
    }
)  # fmt: skip
JAVA: Final = JAVA_PLATFORM | {
    "akka", "ch.qos", "co.elastic", "com.amazonaws", "com.azure", "com.clickhouse", "com.couchbase",
    "com.datadog", "com.datastax", "com.fasterxml", "com.github.benmanes", "com.google",
    "com.hazelcast", "com.ibm", "com.microsoft", "com.mongodb", "com.mysql", "com.netflix",
    "com.newrelic", "com.oracle", "com.rabbitmq", "com.squareup", "com.stripe", "com.twilio",
    "com.zaxxer", "datadog", "dev.failsafe", "feign", "freemarker", "io.confluent", "io.debezium",
    "io.github.resilience4j", "io.grpc", "io.jsonwebtoken", "io.ktor", "io.kubernetes",
    "io.lettuce", "io.micrometer", "io.micronaut", "io.netty", "io.opentelemetry",
    "io.quarkus", "io.r2dbc", "io.reactivex", "io.sentry", "io.smallrye", "io.temporal",
    "io.undertow", "io.vertx", "javassist", "junit", "liquibase", "net.bytebuddy", "net.sf.cglib",
    "net.sf.jsqlparser", "okhttp3", "okio", "oracle.jdbc", "org.apache", "org.aspectj", "org.bson",
    "org.codehaus", "org.eclipse", "org.elasticsearch", "org.flywaydb", "org.glassfish",
    "org.gradle", "org.h2", "org.hibernate", "org.jboss", "org.jdbi", "org.jetbrains",
    "org.jobrunr", "org.jooq", "org.junit", "org.mariadb", "org.mockito", "org.mybatis",
    "org.opensearch", "org.postgresql", "org.quartz", "org.redisson", "org.reactivestreams",
    "org.slf4j", "org.springframework", "org.sqlite", "org.testcontainers", "org.testng",
    "org.thymeleaf", "org.yaml", "play", "reactor", "redis.clients", "retrofit2", "rx",
    "software.amazon", "zio", "cats",
}  # fmt: skip

DOTNET: Final = frozenset(
    {
        "System", "Microsoft", "Amazon", "AutoMapper", "Autofac", "Azure", "Castle", "Confluent",
        "Dapper", "Elastic", "FluentValidation", "Google", "Grpc", "Hangfire", "HotChocolate",
        "IdentityModel", "MassTransit", "MediatR", "MongoDB", "Moq", "MySql", "MySqlConnector",
        "NHibernate", "NLog", "NUnit", "Nest", "Newtonsoft", "Npgsql", "NServiceBus",
        "OpenTelemetry", "Oracle", "Polly", "Pomelo", "Quartz", "RabbitMQ", "Refit", "RestSharp",
        "Sentry", "Serilog", "ServiceStack", "StackExchange", "Stripe", "Swashbuckle",
        "UnityEngine", "Windows", "Xunit", "lambda_method",
    }
)  # fmt: skip

PHP: Final = frozenset(
    {
        "Amp", "Aws", "Carbon", "Cake", "Composer", "Doctrine", "Elastic", "Elastica", "Faker",
        "GuzzleHttp", "Google", "Illuminate", "Laminas", "Laravel", "League", "Livewire",
        "MongoDB", "Monolog", "Nette", "Nyholm", "PDO", "PhpAmqpLib", "PHPUnit", "Pest", "Predis",
        "Psr", "Psy", "Ramsey", "React", "Sentry", "Slim", "Spatie", "Stripe", "Symfony", "Twig",
        "Whoops", "Yiisoft", "Zend", "yii",
    }
)  # fmt: skip

# The first elements of the paths of Go's own packages; of every other module it is a host, or the
# project's name.
GO: Final = frozenset(
    {
        "archive", "bufio", "builtin", "bytes", "cmd", "cmp", "compress", "container", "context",
        "crypto", "database", "debug", "embed", "encoding", "errors", "expvar", "flag", "fmt", "go",
        "hash", "html", "image", "index", "internal", "io", "iter", "log", "maps", "math", "mime",
        "net", "os", "path", "plugin", "reflect", "regexp", "runtime", "slices", "sort", "strconv",
        "strings", "structs", "sync", "syscall", "testing", "text", "time", "unicode", "unique",
        "unsafe", "vendor", "weak",
    }
)  # fmt: skip

# Files of Node's own, from when their names were printed without `node:`.
NODE: Final = frozenset(
    {
        "_http_agent", "_http_client", "_http_common", "_http_incoming", "_http_outgoing",
        "_http_server", "_stream_duplex", "_stream_passthrough", "_stream_readable",
        "_stream_transform", "_stream_writable", "_tls_common", "_tls_wrap", "assert",
        "async_hooks", "buffer", "child_process", "cluster", "dgram", "dns", "domain", "events",
        "fs", "fs/promises", "http", "http2", "https", "inspector", "module", "net", "path",
        "perf_hooks", "querystring", "readline", "repl", "stream", "string_decoder", "timers",
        "tls", "url", "util", "v8", "vm", "worker_threads", "zlib", "bootstrap_node",
    }
)  # fmt: skip

DEEPEST: Final = 3


def known_root(dotted: str, known: frozenset[str]) -> str:
    """Which known name a dotted name is below; "" if it is below none."""
    parts = dotted.split(".", DEEPEST)
    for length in range(1, min(DEEPEST, len(parts)) + 1):
        if (root := ".".join(parts[:length])) in known:
            return root
    return ""
