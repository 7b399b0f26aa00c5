"""Rosters: what a file says about people, groups, terms and memberships, and what follows."""

from __future__ import annotations

from campuscore.domain.roster.checks import check
from campuscore.domain.roster.enrolment import (
    Enrolment,
    Interval,
    Settled,
    Wanted,
    check_removals,
    plan_memberships,
)
from campuscore.domain.roster.planning import Match, Plan, Standing, plan
from campuscore.domain.roster.records import (
    Ignored,
    Place,
    Roster,
    RosterGroup,
    RosterMembership,
    RosterTerm,
    RosterUser,
    group_name_key,
)
from campuscore.domain.roster.report import ImportReport, ImportRow, Outcome, Tally

__all__ = [
    "Enrolment",
    "Ignored",
    "ImportReport",
    "ImportRow",
    "Interval",
    "Match",
    "Outcome",
    "Place",
    "Plan",
    "Roster",
    "RosterGroup",
    "RosterMembership",
    "RosterTerm",
    "RosterUser",
    "Settled",
    "Standing",
    "Tally",
    "Wanted",
    "check",
    "check_removals",
    "group_name_key",
    "plan",
    "plan_memberships",
]
