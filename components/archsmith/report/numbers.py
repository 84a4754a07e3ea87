"""Numbers as people read them."""

import math
from typing import TypeGuard

from archsmith.values import words
from archsmith.values.metrics import METRICS, SPREAD

DASH = "\N{EN DASH}"
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def percent(share: float | None, digits: int = 2) -> str:
    """Write a share as a percentage: 0.9234 is `92.34 %`."""
    return f"{100 * share:.{digits}f} %" if _known(share) else DASH


def count(number: float | None) -> str:
    """Write a count in full: 283402 is `283,402`."""
    return f"{round(number):,}" if _known(number) else DASH


def short(number: float | None) -> str:
    """Write a count in three digits: 12345678 is `12.3 M`."""
    if number is None or not math.isfinite(number):
        return DASH
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        # 999,500 rounds to 1 M, not to 1000 k.
        if abs(number) >= 0.9995 * size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.3g}"


def time(seconds: float | None, spread: float = math.nan) -> str:
    """Write a short time: 0.00123 is `1.23 ms`, or `1.23 ± 0.04 ms` where it is known how far measurements lie apart."""
    if seconds is None or not math.isfinite(seconds):
        return DASH
    unit, size = next(((u, s) for u, s in (("s", 1.0), ("ms", 1e-3)) if abs(seconds) >= 0.9995 * s), ("µs", 1e-6))
    apart = f" ± {words.rounded(spread / size)}" if math.isfinite(spread) else ""
    return f"{seconds / size:.3g}{apart} {unit}"


def duration(seconds: float | None) -> str:
    """Write a long time: 3721 is `1 h 2 min`."""
    if seconds is None or not math.isfinite(seconds):
        return DASH
    whole = round(seconds)
    if seconds < 10:
        return f"{seconds:.1f} s"
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, left = divmod(minutes, 60)
    large, small = (f"{hours} h", f" {left} min" if left else "") if hours else (f"{minutes} min", f" {rest} s" if rest else "")
    return large + small


def size(number: int) -> str:
    """Write the size of a space: `5,184`, or 1.3 times 10⁹ where it is large; exact beyond the range of floats."""
    if number < 10**7:
        return f"{number:,}"
    # CPython refuses to print an int of more than 4300 digits.
    exponent = int((number.bit_length() - 1) * math.log10(2))
    exponent += number >= 10 ** (exponent + 1)
    tenths = (number + 5 * 10 ** (exponent - 2)) // 10 ** (exponent - 1)
    if tenths == 100:
        tenths, exponent = 10, exponent + 1
    return f"{tenths // 10}.{tenths % 10} \N{MULTIPLICATION SIGN} 10{str(exponent).translate(_SUPERSCRIPTS)}"


def metric(name: str, number: float | None) -> str:
    """Write the value of a trial's metric in its unit; one of the user's own, or its test value, has none that is known."""
    if name.removeprefix("test_").removeprefix("val_") not in METRICS and name != SPREAD:
        return f"{number:,.6g}" if _known(number) else DASH
    if name.endswith("accuracy"):
        return percent(number)
    if name.endswith("_s"):
        return time(number)
    if name == "n_params":
        return count(number)
    if name == "flops":
        return short(number)
    if name.endswith("_mb"):
        return (count(number) if abs(number) >= 999.5 else f"{number:.3g}") + " MB" if _known(number) else DASH
    return f"{number:.4f}" if _known(number) else DASH


def _known(number: float | None) -> TypeGuard[float]:
    return number is not None and math.isfinite(number)
