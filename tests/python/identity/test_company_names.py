"""Company names as people of many countries write them: what is the name, and what only stands beside it."""

from __future__ import annotations

import pytest

from orchestration.identity.normalise import company_name


def core(text: str) -> str:
    found = company_name(text)
    assert found is not None
    return found.core


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("* AKZO NOBEL N.V.", "Akzo Nobel"),
        ("N V NUTRICIA", "Nutricia N.V., ZOETERMEER, NL"),
        ("Naamloze Vennootschap DSM", "D S M N. V."),
        ("SCHLUMBERGER TECHNOLOGY B.V. (STBV)", "Schlumberger Technologies"),
        ("Tanaka Co., Ltd.", "TANAKA"),
        ("Müller & Söhne GmbH & Co. KG", "Muller and Sohne"),
        ("I.B.M. Corp", "IBM"),
        ("AB SKF", "SKF AB"),
        ("ПАО Газпром", "Gazprom PJSC"),
        ("株式会社トヨタ", "トヨタ"),
        ("삼성전자 주식회사", "삼성전자"),
        ("Acme Mfg. Inc.", "Acme Manufacturing"),
        ("L'Oréal S.A.", "L’Oreal"),
    ],
)
def test_the_same_name_written_another_way(one: str, other: str) -> None:
    assert core(one) == core(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Société Générale", "Générale de Santé"),
        ("Adams, Brown & Co", "Adams & Co"),
        ("Group 4", "Group 5"),
        ("Acme Labs", "Acme"),
        ("トヨタ", "ホンダ"),
    ],
)
def test_another_name(one: str, other: str) -> None:
    assert core(one) != core(other)


def test_a_place_in_the_name_is_kept_beside_it_and_a_seat_after_the_legal_form_is_not() -> None:
    branch, seat = company_name("Acme (Deutschland) GmbH"), company_name("Acme GmbH, Deutschland")
    assert branch is not None and seat is not None
    assert (branch.core, branch.places) == ("acme", "de")
    assert (seat.core, seat.places) == ("acme", "")


@pytest.mark.parametrize("text", ["", "N/A", "Self-employed", "unknown"])
def test_what_is_no_name(text: str) -> None:
    assert company_name(text) is None
