"""Mailshake's lists: where they lie, how large their pages are, what of a record is left out."""

from dataclasses import dataclass

from orchestration.sources.api.connector import Table

# The text of e-mails: nothing counts it, and it may say anything about anybody.
_TEXTS = frozenset({"rawBody", "body", "plainTextBody"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Table):
    """A list, its largest page, and whether it is asked for once per campaign."""

    page: int = 100
    per_campaign: bool = False


TABLES = (
    Listing(name="team_member", path="/team/list-members", permission="the team's users"),
    Listing(name="sender", path="/senders/list", permission="the team's senders"),
    Listing(name="campaign", path="/campaigns/list", permission="campaigns of the whole team"),
    Listing(
        name="recipient", path="/recipients/list", per_campaign=True, permission="recipients of campaigns"
    ),
    Listing(name="lead", path="/leads/list", permission="leads of the whole team"),
    Listing(name="sent_message", path="/activity/sent", page=25, ignore=_TEXTS, permission="activity"),
    Listing(name="open", path="/activity/opens", permission="activity"),
    Listing(name="click", path="/activity/clicks", permission="activity"),
    Listing(name="reply", path="/activity/replies", ignore=_TEXTS, permission="activity"),
)
