"""The cache of one machine does what Django documents of a cache."""

from pathlib import Path

import pytest

from runs_app.services.sqlite_cache import SqliteCache


class Clock:
    """The time of the cache, which tests move on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_800_000_000.0
        monkeypatch.setattr("time.time", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


# --- what Django documents ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", [0, -1, 2**63 - 1, 2**64, -(2**70), True, None, 1.5, "text", b"bytes", [1, {"a": ()}]]
)
def test_a_value_comes_back_as_it_was_and_of_its_type(cache: SqliteCache, value: object) -> None:
    cache.set("key", value)

    assert cache.get("key", "default") == value
    assert type(cache.get("key")) is type(value)
    assert cache.has_key("key")
    assert "key" in cache


def test_what_is_not_there_is_the_default(cache: SqliteCache) -> None:
    assert cache.get("key") is None
    assert cache.get("key", "default") == "default"
    assert "key" not in cache


def test_a_later_value_replaces_an_earlier_one(cache: SqliteCache) -> None:
    cache.set("key", "first")
    cache.set("key", 2)

    assert cache.get("key") == 2


def test_add_takes_only_a_key_that_is_not_there(cache: SqliteCache) -> None:
    assert cache.add("key", "first") is True
    assert cache.add("key", "second") is False
    assert cache.get("key") == "first"


def test_delete_says_whether_there_was_something(cache: SqliteCache) -> None:
    cache.set("key", 1)

    assert cache.delete("key") is True
    assert cache.delete("key") is False
    assert cache.get("key") is None


def test_incr_and_decr_answer_the_new_value(cache: SqliteCache) -> None:
    cache.set("key", 41)

    assert cache.incr("key") == 42
    assert cache.incr("key", 10) == 52
    assert cache.decr("key", 2) == 50
    assert cache.get("key") == 50


def test_incr_of_what_is_not_there_is_a_value_error(cache: SqliteCache) -> None:
    with pytest.raises(ValueError, match="'key' not found"):
        cache.incr("key")


def test_incr_of_what_is_no_integer_is_a_type_error_and_changes_nothing(cache: SqliteCache) -> None:
    cache.set("key", "41")

    with pytest.raises(TypeError, match="no integer"):
        cache.incr("key")
    assert cache.get("key") == "41"


def test_an_entry_is_gone_when_its_time_is_over(cache: SqliteCache, clock: Clock) -> None:
    cache.set("key", 1, timeout=10)
    clock.now += 9.9
    assert cache.get("key") == 1

    clock.now += 0.1

    assert cache.get("key") is None
    assert "key" not in cache
    assert cache.delete("key") is False


def test_an_entry_that_is_over_may_be_added_again(cache: SqliteCache, clock: Clock) -> None:
    cache.set("key", 1, timeout=10)
    clock.now += 10

    with pytest.raises(ValueError, match="not found"):
        cache.incr("key")
    assert cache.touch("key") is False
    assert cache.add("key", 2, timeout=10) is True
    assert cache.get("key") == 2


def test_incr_leaves_the_expiry_as_it_was(cache: SqliteCache, clock: Clock) -> None:
    cache.set("key", 1, timeout=10)
    clock.now += 9
    cache.incr("key")
    clock.now += 1

    assert cache.get("key") is None


def test_no_timeout_is_for_ever_and_none_left_is_over_at_once(
    cache: SqliteCache, clock: Clock
) -> None:
    cache.set("ever", 1, timeout=None)
    cache.set("never", 1, timeout=0)
    cache.set("usual", 1)
    assert cache.add("added", 1, timeout=0) is True

    assert cache.get_many(["ever", "never", "usual", "added"]) == {"ever": 1, "usual": 1}
    clock.now += 300
    assert cache.get_many(["ever", "usual"]) == {"ever": 1}


def test_touch_sets_a_new_time(cache: SqliteCache, clock: Clock) -> None:
    cache.set("key", 1, timeout=10)

    assert cache.touch("key", 100) is True
    clock.now += 99
    assert cache.get("key") == 1
    assert cache.touch("key", None) is True
    clock.now += 10**6
    assert cache.get("key") == 1
    assert cache.touch("nothing") is False


def test_many_at_once(cache: SqliteCache) -> None:
    assert cache.set_many({"a": 1, "b": "two", "c": None}) == []
    assert cache.get_many(["a", "b", "c", "d"]) == {"a": 1, "b": "two", "c": None}

    cache.delete_many(["a", "b"])

    assert cache.get_many(["a", "b", "c"]) == {"c": None}
    assert cache.get_or_set("e", lambda: 5) == 5
    assert cache.get_or_set("e", 6) == 5


def test_clear_leaves_nothing(cache: SqliteCache) -> None:
    cache.set_many({"a": 1, "b": 2}, timeout=None)

    cache.clear()

    assert cache.get_many(["a", "b"]) == {}


def test_versions_and_prefixes_keep_keys_apart(cache: SqliteCache) -> None:
    other = SqliteCache(str(cache._directory), {"KEY_PREFIX": "other"})
    cache.set("key", 1)
    cache.set("key", 2, version=2)
    other.set("key", 3)

    assert (cache.get("key"), cache.get("key", version=2), other.get("key")) == (1, 2, 3)
    assert cache.incr_version("key") == 2
    assert cache.get("key", version=2) == 1


@pytest.mark.parametrize("key", ["", "é", "' OR 1=1 --", "a%b_c", "k" * 250, 7])
@pytest.mark.filterwarnings("ignore::django.core.cache.CacheKeyWarning")
def test_any_key_is_a_key(cache: SqliteCache, key: object) -> None:
    cache.set(key, 1)

    assert cache.incr(key) == 2
    assert cache.get("another") is None


# --- what has to go -----------------------------------------------------------------------------


def test_what_is_over_is_deleted_and_then_what_would_be_over_next(tmp_path: Path) -> None:
    cache = SqliteCache(str(tmp_path), {"OPTIONS": {"MAX_ENTRIES": 30, "CULL_FREQUENCY": 3}})
    cache.set("over", 1, timeout=0)
    cache.set_many({f"later{n}": 1 for n in range(15)}, timeout=200)
    cache.set_many({f"sooner{n}": 1 for n in range(15)}, timeout=100)
    cache.set("ever", 1, timeout=None)

    cache.set_many({f"new{n}": 1 for n in range(3)}, timeout=300)

    left = set(cache.get_many([f"{name}{n}" for name in ("later", "sooner") for n in range(15)]))
    assert {f"later{n}" for n in range(15)} <= left
    assert len(left) < 25
    assert cache.get("ever") == 1


def test_a_cache_that_is_told_so_empties_itself(tmp_path: Path) -> None:
    cache = SqliteCache(str(tmp_path), {"OPTIONS": {"MAX_ENTRIES": 10, "CULL_FREQUENCY": 0}})

    cache.set_many({f"key{n}": 1 for n in range(11)}, timeout=None)

    assert cache.get_many([f"key{n}" for n in range(11)]) == {}
