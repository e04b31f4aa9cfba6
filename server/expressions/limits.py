"""How large an expression and its values may be. Part of the language: the same on every engine."""

SOURCE_LENGTH = 4000  # characters of an expression
NODES = 500  # parts: names, numbers, operators, calls
DEPTH = 32  # how deep parts may be nested
TEXT_LENGTH = 100_000  # characters of a text value; a longer result is null
LIST_LENGTH = 10_000  # items of a list

INTEGER = 2**63 - 1  # integers lie within plus and minus this (so that every one has its negative); a result beyond is null
NUMBER = 1e100  # a number is smaller than this in magnitude; a larger result is null
QUANTUM = 2.0**-332  # about 1e-100: results smaller than this are 0
EXACT = 2.0**-279  # from here on up a number is kept to its last bit

# Between two reductions to the range above, results may wander this far: no engine overflows or underflows there.
SAFE_LARGE, SAFE_SMALL = 1e280, 1e-290

QUICK = 2**30 - 1  # Python computes fastest with integers up to here: what lies beyond is checked by a call
