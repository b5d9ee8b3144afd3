"""Whether letters read like words, or were drawn at random."""

import re
from typing import Final

# The 240 pairs of letters that are most frequent in the names and comments of programs: 93 of 100
# in words, 36 of 100 in random letters.
_PAIRS_IN_A_ROW: Final = """
    ab ac ad ag ai al am an ap ar as at au av ay ba be bi bl bo br bs bu ca cc ce ch ci ck cl co cr
    cs ct cu da dd de di dl do dr ds du ea eb ec ed ee ef eg ei el em en eo ep eq er es et ev ew ex
    ey fa fe ff fi fl fo fr fu ga ge gh gi gl gn go gr gs gu ha he hi ho ht ia ib ic id ie if ig il
    im in io ip ir is it iv ix iz ke ki ks la ld le li ll lo ls lt lu ly ma mb me mi mm mo mp ms mu
    na nc nd ne nf ng ni nk nn no ns nt nu nv oa ob oc od of og oi ok ol om on oo op or os ot ou ov
    ow pa pe ph pi pl po pp pr ps pt pu qu ra rc rd re rg ri rk rl rm rn ro rp rr rs rt ru ry sa sc
    se sh si sl so sp ss st su sy ta tc te th ti tl to tp tr ts tt tu ty ua ub uc ue ui ul um un up
    ur us ut va ve vi wa we wi wo xe xp xt yp ys ze
"""
_PAIRS: Final = frozenset(_PAIRS_IN_A_ROW.split())
# Fewer letters tell too little.
SHORTEST: Final = 4
LEAST: Final = 0.6

_NO_LETTERS: Final = re.compile(r"[^A-Za-z]+")


def reads_like_words(text: str, least: float = LEAST) -> bool:
    """Whether the letters of a text follow each other as they do in words: at least this share
    of their pairs. True for a few."""
    letters = _NO_LETTERS.sub("", text).lower()
    if len(letters) < SHORTEST:
        return True
    found = sum(letters[at : at + 2] in _PAIRS for at in range(len(letters) - 1))
    return found >= least * (len(letters) - 1)
