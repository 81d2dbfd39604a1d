"""Resources that cannot be read may still carry a security label: whose it may be (privacy, hole 5).

A piece that holds a Patient, or of which nothing can be told, protects unless it plainly says no. Too many people may
stay because of it, never too few.
"""

import re

from pipelines.edge.fhir.elements import address
from pipelines.edge.fhir.gather import Gathered, Key
from pipelines.edge.fhir.meaning import is_flag
from pipelines.edge.fhir.people import issuer

LABELS = re.compile(r'"security"\s*:\s*\[([^\]]*)\]')
PAIR = re.compile(r'"system"\s*:\s*"([^"]*)"\s*,\s*"(?:code|value)"\s*:\s*"([^"]*)"')
REFERENCE = re.compile(r'"(?:reference|fullUrl)"\s*:\s*"([^"]*)"')
KIND = re.compile(r'"resourceType"\s*:\s*"([A-Za-z]+)"')
NUMBER = re.compile(r"[0-9A-Za-z\-]{1,100}")
MARK = "urn:mchdb:extension:is-not-disclosed"


def says_protected(rule: str, piece: str) -> bool:
    """Whether what stands there must count as a flag."""
    kinds = set(KIND.findall(piece))
    labels = LABELS.findall(piece)
    pairs = [pair for inside in labels for pair in PAIR.findall(inside)]
    if MARK in piece or piece.count('"security"') > len(labels) or any(map(is_flag, pairs)):
        return True
    if pairs and rule != "encoding":
        return False
    return rule == "encoding" or not kinds or bool(kinds & {"Patient", "Bundle"})


def persons_in(piece: str, scope: str, told: Gathered) -> set[str]:
    """Numbers of the people that it may be about: those that it names, and those that it refers to."""
    numbers = {f"{issuer(system)}-{value}" for system, value in PAIR.findall(piece)}
    keys: set[Key] = {(scope, address(reference)) for reference in REFERENCE.findall(piece)}
    known = {told.people[key].told.get("Patient.identifier", "") for key in keys & told.people.keys()}
    return {number for number in numbers | known if NUMBER.fullmatch(number)}
