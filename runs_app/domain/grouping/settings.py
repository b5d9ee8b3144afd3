"""What a project decides about how its failures are grouped."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GroupingSettings:
    """`rule`: the name of the fingerprint rule. `keywords`: whether words in messages may make
    groups. The last two: which rule sets may keep an error out of every group."""

    rule: str
    keywords: bool = False
    expected_api_errors: bool = False
    expected_environment_errors: bool = False
