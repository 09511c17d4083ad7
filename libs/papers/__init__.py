"""The official papers of the one-stop shop: what each needs to know, and the press that prints them as PDF."""

from libs.papers.papers import (
    Apology,
    BedCard,
    Component,
    CongratulationLetter,
    ControlSlip,
    Missing,
    Office,
    Officer,
    Paper,
    Person,
    Receipt,
    Refusal,
    Register,
    RegisterRow,
    StopNotice,
    SupplementRequest,
    Transfer,
)
from libs.papers.press import FormPress, TooManyWaiting

__all__ = [
    "Apology",
    "BedCard",
    "Component",
    "CongratulationLetter",
    "ControlSlip",
    "FormPress",
    "Missing",
    "Office",
    "Officer",
    "Paper",
    "Person",
    "Receipt",
    "Refusal",
    "Register",
    "RegisterRow",
    "StopNotice",
    "SupplementRequest",
    "TooManyWaiting",
    "Transfer",
]
