"""Sinh, Cosh, Asinh, Acosh and Atanh: new at 9."""

from __future__ import annotations

from opsets.families.arithmetic import sign, with_number
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("Sinh", 9, 8)
def sinh_9_to_8(rewrite: Rewrite) -> None:
    """``tanh(x/2) * (exp(x) + 1) * (exp(-x) + 1) / 2``, in which nothing cancels out near 0.

    Relative error at most 1e-6 in float32 above 1e-37; infinite from 88.7 on, a bit earlier than sinh itself.
    """
    data = rewrite.required(0)
    tangent = rewrite.add("Tanh", [with_number(rewrite, "Mul", data, 0.5, "half")])
    growing = with_number(rewrite, "Add", rewrite.add("Exp", [data]), 1, "one")
    falling = rewrite.add("Exp", [rewrite.add("Neg", [data])])
    falling = with_number(rewrite, "Add", falling, 1, "one")
    product = rewrite.add("Mul", [rewrite.add("Mul", [tangent, growing]), falling])
    rewrite.bound("Sinh below 9: relative error at most 1e-6 above 1e-37, infinite from 88.7 on")
    rewrite.replace(with_number(rewrite, "Mul", product, 0.5, "half"))


@adapts("Cosh", 9, 8)
def cosh_9_to_8(rewrite: Rewrite) -> None:
    """``(exp(x) + exp(-x)) / 2``: relative error at most 1e-6; infinite from 88.7 on."""
    data = rewrite.required(0)
    both = [rewrite.add("Exp", [value]) for value in (data, rewrite.add("Neg", [data]))]
    rewrite.bound("Cosh below 9: relative error at most 1e-6, infinite from 88.7 on")
    rewrite.replace(with_number(rewrite, "Mul", rewrite.add("Add", both), 0.5, "half"))


@adapts("Asinh", 9, 8)
def asinh_9_to_8(rewrite: Rewrite) -> None:
    """``sign(x) * log(|x| + sqrt(x * x + 1))``.

    Error at most 1e-6, absolute below 1 and relative above, in float32; infinite from 1.8e19 on.
    """
    data = rewrite.required(0)
    size = rewrite.add("Abs", [data])
    root = rewrite.add("Sqrt", [with_number(rewrite, "Add", rewrite.add("Mul", [data, data]), 1, "one")])
    logarithm = rewrite.add("Log", [rewrite.add("Add", [size, root])])
    rewrite.bound("Asinh below 9: absolute error at most 1e-6 below 1, relative above; infinite from 1.8e19")
    rewrite.replace(rewrite.add("Mul", [logarithm, sign(rewrite, data)]))


@adapts("Acosh", 9, 8)
def acosh_9_to_8(rewrite: Rewrite) -> None:
    """``log(x + sqrt((x - 1) * (x + 1)))``: error at most 1e-6, absolute below 1 and relative above."""
    data = rewrite.required(0)
    sides = [with_number(rewrite, operator, data, 1, "one") for operator in ("Sub", "Add")]
    root = rewrite.add("Sqrt", [rewrite.add("Mul", sides)])
    rewrite.bound("Acosh below 9: absolute error at most 1e-6 below 1, relative above; infinite from 1.8e19")
    rewrite.replace(rewrite.add("Log", [rewrite.add("Add", [data, root])]))


@adapts("Atanh", 9, 8)
def atanh_9_to_8(rewrite: Rewrite) -> None:
    """``log((1 + x) / (1 - x)) / 2``: absolute error at most 1e-6 below 1, relative above."""
    data = rewrite.required(0)
    above = with_number(rewrite, "Add", data, 1, "one")
    below = with_number(rewrite, "Add", rewrite.add("Neg", [data]), 1, "one")
    logarithm = rewrite.add("Log", [rewrite.add("Div", [above, below])])
    rewrite.bound("Atanh below 9: absolute error at most 1e-6 below 1, relative above")
    rewrite.replace(with_number(rewrite, "Mul", logarithm, 0.5, "half"))
