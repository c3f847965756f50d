"""The sales-engagement tool, for the stand-in of Mailshake: the e-mails that business development wrote to
people who had not asked, and the answers.
"""

from datetime import datetime

from sandbox.records import Touch
from sandbox.vendors.mailshake import Team
from sandbox.vendors.store import Store
from sandbox.world import World


def outreach(world: World) -> list[Touch]:
    """The e-mails of the tool in the order in which they happened; an answer follows an e-mail."""
    written: set[str] = set()
    found = []
    for touch in sorted(world.touches, key=lambda each: (each.at, each.id)):
        if touch.channel != "outbound" or touch.person is None:
            continue
        if touch.kind == "email_sent":
            written.add(touch.person.id)
        if touch.kind == "email_sent" or (touch.kind == "email_replied" and touch.person.id in written):
            found.append(touch)
    return found


def team(world: World) -> Store:
    """Everything the tool holds: a campaign per developer, a recipient per person written to."""
    store, now = Store(), datetime.min
    tool = Team(store, lambda: now)
    members: dict[str, str] = {}
    campaigns: dict[str, str] = {}
    recipients: dict[str, tuple[str, str]] = {}
    for touch in outreach(world):
        now = touch.at
        person, actor = touch.person, touch.actor
        assert person is not None
        if touch.kind == "email_replied":
            recipient, sent = recipients[person.id]
            tool.reply(sent)
            if not any(each["_recipient"] == recipient for each in tool.records("leads").values()):
                tool.lead(recipient, members.get(actor.id) if actor else None)
            continue
        assert actor is not None
        if actor.id not in members:
            members[actor.id] = tool.member(actor.email, actor.name)
            campaigns[actor.id] = tool.campaign(
                f"{actor.region} {actor.name}", tool.sender(actor.email, actor.name)
            )
        known = recipients.get(person.id)
        recipient = (
            known[0]
            if known
            else tool.recipient(
                campaigns[actor.id],
                touch.email or "",
                f"{person.first_name} {person.last_name}",
                company=person.company.name,
            )
        )
        recipients[person.id] = (recipient, tool.send(recipient, actor.email, by_hand=touch.is_human))
    return store
