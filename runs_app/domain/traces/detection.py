"""Which language printed a trace: the one whose frame comes first."""

from typing import Final

from runs_app.domain.traces.javascript import frame_of
from runs_app.domain.traces.python import PLACE
from runs_app.domain.traces.sections import LONGEST_LINE
from runs_app.domain.traces.trace import Language


def language_of(lines: list[str]) -> Language:
    """The language of the first line that is a frame."""
    for line in lines:
        if len(line) > LONGEST_LINE:
            continue
        if 'File "' in line and PLACE.match(line):
            return Language.PYTHON
        if ("at " in line or "@" in line) and frame_of(line):
            return Language.JAVASCRIPT
    return Language.UNKNOWN
