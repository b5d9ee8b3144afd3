"""Settings come from the environment, and a wrong one stops the start with a sentence."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.data_directory import prepare_data_directory, secret_key
from config.env import Env, postgres_settings
from runs_app.clickhouse.address import parse_address


@pytest.mark.parametrize("word", ["1", "true", "YES", "on"])
def test_words_for_true(word: str) -> None:
    assert Env({"X": word}).boolean("X", default=False) is True


@pytest.mark.parametrize("word", ["0", "false", "No", "off"])
def test_words_for_false(word: str) -> None:
    assert Env({"X": word}).boolean("X", default=True) is False


def test_an_empty_value_counts_as_not_set() -> None:
    env = Env({"X": "  "})

    assert env.text("X", "default") == "default"
    assert env.boolean("X", default=True) is True
    assert env.integer("X", default=3, least=1, most=5) == 3


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"X": "maybe"}, "X takes true or false"),
        ({"N": "many"}, "N takes a whole number"),
        ({"N": "0"}, "N takes a number from 1 to 5"),
        ({"U": "mysql://host/db"}, "U takes an address that begins with postgres://"),
        ({"U": "postgres://"}, "U takes an address that begins with postgres://"),
        ({"U": "postgres://host:many/db"}, "U has a host or a port that cannot be read"),
        ({"U": "postgres://[::1/db"}, "U has a host or a port that cannot be read"),
        ({"P": "10.0.0.1,proxy.example"}, "P is not usable. It takes addresses and networks"),
        ({"P": "10.0.0.1/8"}, "P is not usable. It takes addresses and networks"),
    ],
)
def test_a_wrong_value_is_refused_with_a_sentence_that_names_the_variable(
    variables: dict[str, str], sentence: str
) -> None:
    env = Env(variables)

    with pytest.raises(ImproperlyConfigured, match=sentence):
        (
            env.boolean("X", default=False),
            env.integer("N", default=1, least=1, most=5),
            env.url("U", schemes=("postgres",)),
            env.networks("P"),
        )


def test_networks_are_read_with_commas_between_them() -> None:
    env = Env({"P": " 10.0.0.5 , fd00::/8,"})

    assert env.networks("P") == (ip_network("10.0.0.5/32"), ip_network("fd00::/8"))
    assert env.networks("Q") == ()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://host", "begins with clickhouse://"),
        ("clickhouse://host:many", "The port is no number"),
        ("clickhouse://host/db?verify=perhaps", "The option verify takes true or false"),
        ("clickhouse://host/db?client_name=x", "The options are alt_hosts"),
    ],
)
def test_an_address_of_clickhouse_that_is_wrong_is_refused_with_a_sentence(
    url: str, sentence: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=sentence):
        Env({"CLICKHOUSE_URL": url}).checked("CLICKHOUSE_URL", parse_address)


def test_an_address_of_clickhouse_is_taken_apart() -> None:
    address = parse_address("clickhouses://us%40er:p%3Aw@ch.example/runs?verify=false")

    assert (address["user"], address["password"]) == ("us@er", "p:w")
    assert (address["host"], address["port"], address["database"]) == ("ch.example", 9440, "runs")
    assert (address["secure"], address["verify"]) == (True, False)


def test_a_log_level_is_a_known_word_however_it_is_written() -> None:
    levels = ("DEBUG", "INFO")

    assert Env({"L": "debug"}).choice("L", levels, "INFO") == "DEBUG"
    with pytest.raises(ImproperlyConfigured, match="L takes one of DEBUG, INFO"):
        Env({"L": "loud"}).choice("L", levels, "INFO")


def test_a_secret_that_is_too_short_is_refused_without_repeating_it() -> None:
    with pytest.raises(ImproperlyConfigured, match="S takes at least 32 characters") as caught:
        Env({"S": "hunter2"}).secret("S")

    assert "hunter2" not in str(caught.value)
    assert Env({"S": "x" * 32}).secret("S") == "x" * 32
    assert Env({}).secret("S") == ""


def test_the_database_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "FAULTLINE_DATA": str(tmp_path / "data"),
        "DATABASE_URL": "",
    }

    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--plan", "--skip-checks"],
        env=environment,
        capture_output=True,
        check=True,
        cwd=Path(__file__).resolve().parents[1],
    )

    file = tmp_path / "data" / "faultline.sqlite3"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_refusal_does_not_repeat_the_value() -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        Env({"U": "http://user:hunter2@host"}).url("U", schemes=("postgres",))

    assert "hunter2" not in str(caught.value)


def test_a_postgres_address_is_taken_apart() -> None:
    settings = postgres_settings("postgres://us%40er:p%3Aw@db.example:6432/fault?sslmode=require")

    assert (settings["USER"], settings["PASSWORD"]) == ("us@er", "p:w")
    assert (settings["HOST"], settings["PORT"], settings["NAME"]) == ("db.example", "6432", "fault")
    assert settings["OPTIONS"] == {"connect_timeout": "5", "sslmode": "require"}


def test_a_postgres_address_without_a_database_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="names no database"):
        postgres_settings("postgres://host")


def test_a_wrong_setting_stops_the_start_with_its_sentence(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "FAULTLINE_DATA": str(tmp_path / "data"),
        "FAULTLINE_RETENTION_DAYS": "soon",
    }

    started = subprocess.run(
        [sys.executable, "manage.py", "check"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).resolve().parents[1],
    )

    assert started.returncode != 0
    assert started.stderr == (
        "Faultline cannot start: FAULTLINE_RETENTION_DAYS takes a whole number.\n"
    )


def test_the_data_directory_is_for_its_owner_alone(tmp_path: Path) -> None:
    directory = tmp_path / "a" / "data"

    prepare_data_directory(directory)

    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_data_directory_that_others_could_read_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)

    prepare_data_directory(tmp_path)

    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_a_data_directory_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ImproperlyConfigured, match="which cannot be used"):
        prepare_data_directory(tmp_path / "file" / "data")


def test_the_secret_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    first = secret_key(tmp_path)

    assert secret_key(tmp_path) == first
    assert len(first) >= 50
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_starters_at_once_agree_on_one_secret_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: secret_key(tmp_path), range(64)))

    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]
