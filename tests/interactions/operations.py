"""What the documents of contract/operations do in a conversation: a shopper's app, and an agent's console."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.conftest import NOW, Client
from tests.identity.staff import add_staff, enter
from tests.interactions.live import Live, listening
from tests.operations import ORDER, Documents

PICTURE = b"a cracked plate"
MINT = 'mutation { customerTokenCreate(input: {externalId: "c-1"}) { accessToken } }'


@dataclass(frozen=True)
class Desk:
    """An agent at their console."""

    client: Client
    documents: Documents
    key: str
    staff_id: str

    async def write(self, name: str, given: dict[str, Any]) -> dict[str, Any]:
        """Send a mutation that is accepted, and return its payload."""
        return await self.documents.write(self.client, name, given, key=self.key)

    async def ask(self, name: str, **variables: object) -> dict[str, Any]:
        """Send a query, and return its data."""
        return (await self.documents.send(self.client, name, variables, key=self.key)).data


async def sit_down(client: Client, documents: Documents, name: str = "Carla Rossi") -> Desk:
    """Let an agent sign in."""
    email = f"{name.split(maxsplit=1)[0].lower()}@shop.example"
    staff_id = await add_staff(client.works, email, name=name)
    return Desk(client, documents, (await enter(client, email))["accessToken"], staff_id)


async def attach(client: Client, documents: Documents, name: str, *, key: str | None = None) -> str:
    """Announce a picture and send it; return its id."""
    said = {"filename": "plate.jpg", "contentType": "image/jpeg", "byteSize": len(PICTURE)}
    payload = await documents.write(client, name, said, key=key)
    assert (await client.http.put(payload["uploadUrl"], content=PICTURE)).status_code == 204
    return str(payload["attachment"]["id"])


async def chat_as_a_guest(client: Client, shopper: Documents) -> str:
    """Write before anybody knows who it is; sent twice it is one conversation, whose id is returned."""
    assert client.key is not None
    opened = await Documents("integrator").write(client, "UpsertChannel", {"name": "Web chat", "kind": "WEB_CHAT"})
    guest = (await shopper.write(client, "VisitorSession", {"locale": "it-IT"}))["session"]
    client.key = guest["accessToken"]
    listed = (await shopper.send(client, "MyConversations")).data
    assert [each["id"] for each in listed["channels"]] == [opened["channel"]["id"]]
    said = {"channelId": opened["channel"]["id"], "text": "Where is my parcel?", "clientMessageId": "first"}
    started = [(await shopper.write(client, "ChatStart", said))["conversation"] for _ in range(2)]
    assert started[0] == started[1]
    (message,) = started[0]["interactions"]["nodes"]
    assert (message["seq"], message["text"], message["clientMessageId"]) == (1, "Where is my parcel?", "first")
    return str(started[0]["id"])


async def chat_as_a_shopper(client: Client, shopper: Documents, conversation_id: str, *, owner: str) -> None:
    """Whoever registered has what they wrote as a guest, sees the agent write, reads it, and answers with a picture."""
    own, client.key = client.key, owner
    desk = await sit_down(client, Documents("agent"))
    client.key = own
    assert own is not None
    await client.works.feed.settle()  # a cursor may be older than what is shown with it
    listed = (await shopper.send(client, "MyConversations")).data
    assert [each["id"] for each in listed["me"]["conversations"]["nodes"]] == [conversation_id]
    opened = (await shopper.send(client, "ChatOpen", {"id": conversation_id})).data
    async with listening(client, own) as (live,):
        live.follow(shopper, "ChatLive", id=conversation_id, after=opened["eventCursor"])
        live.follow(shopper, "ChatTypingLive", id=conversation_id)
        live.follow(shopper, "CustomerLive", after=listed["eventCursor"])
        await desk.write("SetTyping", {"conversationId": conversation_id, "isTyping": True})
        carla = {"__typename": "StaffMember", "id": desk.staff_id, "displayName": "Carla"}
        assert await live.take("ChatTypingLive") == {"isTyping": True, "author": carla}
        await desk.write("Reply", {"conversationId": conversation_id, "text": "It left today."})
        added = [(await live.take_first("ChatLive", "InteractionAdded"))["interaction"] for _ in range(2)]
        assert [(each["__typename"], each["seq"]) for each in added] == [("StatusChange", 2), ("Message", 3)]
        assert (await live.take_first("ChatLive", "ConversationChanged"))["conversation"]["status"] == "OPEN"
        answered = await live.take_first("CustomerLive", "InteractionAdded")
        assert answered["conversation"]["unreadCount"] in (0, 1)  # as it is when the event is sent
        await answer_as_a_shopper(client, shopper, conversation_id, live, desk)


async def answer_as_a_shopper(client: Client, shopper: Documents, conversation_id: str, live: Live, desk: Desk) -> None:
    """They read, write, attach a picture, and see that it was read."""
    whole = {"conversationId": conversation_id}
    read = await shopper.write(client, "ChatRead", {**whole, "seq": 3})
    assert read["conversation"]["unreadCount"] == 0
    await shopper.write(client, "ChatTyping", {**whole, "isTyping": True})
    picture = await attach(client, shopper, "AttachmentCreate")
    said = {**whole, "text": "Thank you!", "attachmentIds": [picture], "clientMessageId": "second"}
    sent = [(await shopper.write(client, "ChatSend", said))["message"] for _ in range(2)]
    assert sent[0] == sent[1]
    assert (sent[0]["seq"], sent[0]["attachments"][0]["filename"]) == (4, "plate.jpg")
    assert (await client.http.get(sent[0]["attachments"][0]["url"])).content == PICTURE
    late = {**whole, "text": "Hello?", "expectedLastSeq": 3}
    (refused,) = (await shopper.send(client, "ChatSend", {"input": late})).data["messageSend"]["userErrors"]
    assert (refused["code"], [each["seq"] for each in refused["missed"]]) == ("STALE_CONVERSATION", [4])
    await desk.write("MarkRead", {**whole, "seq": 4})
    while (heard := await live.take_first("ChatLive", "ConversationRead"))["reader"]["id"] != desk.staff_id:
        pass  # that they have read it themselves
    assert heard["seq"] == 4
    page = (await shopper.send(client, "ChatOpen", {"id": conversation_id})).data["conversation"]
    assert [each["seq"] for each in page["interactions"]["nodes"]] == [1, 2, 3, 4]


async def talk_at_a_console(client: Client, agent: Documents, customer_id: str) -> None:
    """The shop writes first; agent, colleague and customer talk, and each of them sees what is theirs at once."""
    channel = await Documents("integrator").write(client, "UpsertChannel", {"name": "Web chat", "kind": "WEB_CHAT"})
    desk = await sit_down(client, agent)
    colleague = await sit_down(client, agent, "Dario Bianchi")
    shopper_key = (await client.ask(MINT)).data["customerTokenCreate"]["accessToken"]
    await client.works.feed.settle()
    inbox = await desk.ask("Inbox", mine=desk.staff_id)
    assert (inbox["conversations"]["totalCount"], inbox["conversationCounts"]) == (0, [0, 0, 0, 0, 0])
    async with listening(client, desk.key, colleague.key) as (live, other):
        live.follow(agent, "InboxLive", after=inbox["eventCursor"])
        said = {"channelId": channel["channel"]["id"], "customerId": customer_id, "text": "Your tea is back."}
        started = (await colleague.write("StartConversation", said))["conversation"]
        assert (await live.take("InboxLive"))["conversation"]["id"] == started["id"]
        await client.works.feed.settle()
        seen = await desk.ask("Conversation360", id=started["id"])
        assert seen["conversation"]["customer"]["conversations"]["totalCount"] == 1
        await follow_a_conversation(live, other, desk, colleague, seen)
        sent = {"conversationId": started["id"], "text": "How lovely.", "clientMessageId": "s-1"}
        await Documents("shopper").write(client, "ChatSend", sent, key=shopper_key)
        added = [await live.take_first(name, "InteractionAdded") for name in ("ConversationLive", "Customer360Live")]
        assert [each["interaction"]["text"] for each in added] == ["How lovely.", "How lovely."]
        await answer_at_a_console(desk, colleague, started["id"], seq=added[0]["interaction"]["seq"])
        await arrange_at_a_console(desk, colleague, started["id"])
    assert client.key is not None
    mail = await receive_mail(client, Documents("integrator"), owner=client.key)
    await fail_and_try_again(client, Documents("integrator"), desk, mail)


async def follow_a_conversation(live: Live, other: Live, desk: Desk, colleague: Desk, seen: dict[str, Any]) -> None:
    """Who is there, who looks on and who writes is told; nobody is told of themselves."""
    key, after = seen["conversation"]["id"], seen["eventCursor"]
    live.follow(desk.documents, "ConversationLive", id=key, after=after)
    live.follow(desk.documents, "Customer360Live", id=seen["conversation"]["customer"]["id"], after=after)
    for name in ("Typing", "Viewers"):
        live.follow(desk.documents, name, id=key)
    live.follow(desk.documents, "Presence")
    assert await live.take("Viewers") == {"id": key, "viewers": []}
    await colleague.write("SetPresence", {"presence": "ONLINE"})
    assert await live.take("Presence") == {"id": colleague.staff_id, "name": "Dario Bianchi", "presence": "ONLINE"}
    await colleague.write("SetTyping", {"conversationId": key, "isTyping": True, "isNote": True})
    assert (await live.take("Typing"))["author"]["id"] == colleague.staff_id
    other.follow(colleague.documents, "ConversationLive", id=key, after=after)
    assert (await live.take("Viewers"))["viewers"] == [{"id": colleague.staff_id, "name": "Dario Bianchi"}]


async def answer_at_a_console(desk: Desk, colleague: Desk, conversation_id: str, *, seq: int) -> None:
    """The slower of two agents is told what they missed; a note is found by its words."""
    whole = {"conversationId": conversation_id}
    await colleague.write("AddNote", {**whole, "text": "She likes Darjeeling."})
    late = {**whole, "text": "Which one?", "expectedLastSeq": seq, "clientMessageId": "a-1"}
    refused = (await desk.documents.send(desk.client, "Reply", {"input": late}, key=desk.key)).data["messageSend"]
    assert refused["message"] is None
    assert [each["text"] for each in refused["userErrors"][0]["missed"]] == ["She likes Darjeeling."]
    picture = await attach(desk.client, desk.documents, "AttachFile", key=desk.key)
    sent = await desk.write("Reply", late | {"expectedLastSeq": seq + 1, "attachmentIds": [picture]})
    assert (sent["message"]["delivery"], sent["message"]["seq"]) == ("SENT", seq + 2)
    read = await colleague.write("MarkRead", {**whole, "seq": seq + 2})
    assert read["conversation"]["unreadCount"] == 0
    found = (await desk.ask("SearchConversations", search="darj"))["conversations"]
    assert [each["id"] for each in found["nodes"]] == [conversation_id]


async def arrange_at_a_console(desk: Desk, colleague: Desk, conversation_id: str) -> None:
    """It is given to a colleague, described, and put aside; the numbers of the inbox follow."""
    whole = {"conversationId": conversation_id}
    staff = {each["id"]: each for each in (await desk.ask("AssigneePicker"))["staffMembers"]["nodes"]}
    assert (staff[colleague.staff_id]["presence"], staff[colleague.staff_id]["openConversationCount"]) == ("ONLINE", 1)
    assigned = (await desk.write("Assign", {**whole, "assigneeId": desk.staff_id}))["conversation"]
    assert assigned["assignee"]["name"] == "Carla Rossi"
    described = await desk.write("UpdateConversation", {**whole, "subject": "Tea", "priority": "URGENT"})
    assert (described["conversation"]["subject"], described["conversation"]["priority"]) == ("Tea", "URGENT")
    assert (await desk.ask("Inbox", mine=desk.staff_id))["conversationCounts"][:4] == [0, 1, 0, 1]
    until = f"{NOW + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    asleep = await desk.write("Snooze", {**whole, "status": "SNOOZED", "snoozedUntil": until})
    assert (asleep["conversation"]["status"], asleep["conversation"]["snoozedUntil"]) == ("SNOOZED", until)
    assert (await desk.ask("Inbox", mine=desk.staff_id))["conversationCounts"][:4] == [0, 0, 1, 0]
    await desk.write("SetPresence", {"presence": "OFFLINE"})


async def carry_messages(client: Client, integrator: Documents, *, owner: str) -> None:
    """A channel's server brings in what was written, and carries out what was answered: each once, whatever fails.

    Its own key opens nothing but channels and conversations.
    """
    assert client.key is not None
    desk = await sit_down(client, Documents("agent"))
    mail = await receive_mail(client, integrator, owner=owner)
    async with listening(client, client.key) as (live,):
        live.follow(integrator, "Follow", after=mail.begin, types=["InteractionChanged"])
        await fail_and_try_again(client, integrator, desk, mail)
        heard = [(await live.take("Follow"))["interaction"]["delivery"] for _ in range(3)]
        assert set(heard) <= {"FAILED", "ACCEPTED", "SENT"}  # each as it is when the event is sent
        assert heard[-1] == "SENT"
    pulled = await pull(client, integrator, "Pull", mail.begin, types=["ConversationStarted"])
    assert [each["conversation"]["id"] for each in pulled] == [mail.conversation_id]


@dataclass(frozen=True)
class Mail:
    """What came in from outside, and a cursor before it."""

    conversation_id: str
    begin: str


async def receive_mail(client: Client, integrator: Documents, *, owner: str) -> Mail:
    """Bring in a mail with a picture, twice: it is one message."""
    door = {"name": "Mail", "kind": "EMAIL"}
    channel = (await integrator.write(client, "UpsertChannel", door, key=owner))["channel"]
    await client.works.feed.settle()
    told = (await integrator.send(client, "Channels")).data
    assert channel["id"] in [each["id"] for each in told["channels"]]
    picture = await attach(client, integrator, "AttachFile")
    mail: dict[str, Any] = {"channelId": channel["id"], "externalId": "mail-1", "subject": "Lanterns"}
    mail |= {"from": {"kind": "EMAIL", "value": "lucia@lanterna.example", "name": "Lucia"}, "text": "Do you deliver?"}
    mail |= {"attachmentIds": [picture]}
    received = [await integrator.write(client, "ReceiveMessage", mail) for _ in range(2)]
    assert received[0] == received[1]
    assert received[0]["conversation"]["status"] == "NEW"
    return Mail(received[0]["conversation"]["id"], told["eventCursor"])


async def follow_a_customer(client: Client, integrator: Documents, customer_id: str) -> None:
    """What happens to one customer is told behind a cursor, each once."""
    assert client.key is not None
    await client.works.feed.settle()
    begin = (await integrator.send(client, "Channels")).data["eventCursor"]
    order = await integrator.write(client, "PushOrder", ORDER | {"sequence": 2, "shippingTotal": "5.90"})
    async with listening(client, client.key) as (live,):
        live.follow(integrator, "OneCustomer", id=customer_id, after=begin)
        told = await live.take_first("OneCustomer", "OrderChanged")
        assert told["order"] == {"id": order["order"]["id"], "externalId": "web-1"}


async def fail_and_try_again(client: Client, integrator: Documents, desk: Desk, mail: Mail) -> None:
    """What could not be sent waits for an agent, who lets it be tried again; what was sent is not sent again."""
    begin, reply = mail.begin, {"conversationId": mail.conversation_id, "text": "We do.", "clientMessageId": "reply"}
    message_id = (await desk.write("Reply", reply))["message"]["id"]
    (outgoing,) = await to_send(client, integrator, begin)
    assert (outgoing["id"], outgoing["text"]) == (message_id, "We do.")
    contact = {"kind": "EMAIL", "namespace": None, "value": "lucia@lanterna.example", "name": "Lucia"}
    assert outgoing["conversation"]["contact"] == contact
    anew = (await integrator.send(client, "ToSendAnew", {"kind": ["EMAIL"]})).data["conversations"]["nodes"]
    listed = [message for node in anew for message in node["interactions"]["nodes"]]
    assert [each["id"] for each in listed if each.get("delivery") == "ACCEPTED"] == [message_id]
    failed = {"messageId": message_id, "state": "FAILED", "failureReason": "The mailbox is full."}
    assert (await integrator.write(client, "RecordDelivery", failed))["message"]["delivery"] == "FAILED"
    assert await to_send(client, integrator, begin) == []
    retried = (await desk.write("RetryMessage", {"messageId": message_id}))["message"]
    assert (retried["delivery"], retried["failureReason"]) == ("ACCEPTED", None)
    (again,) = await to_send(client, integrator, begin)
    assert again == outgoing
    sent = await integrator.write(client, "RecordDelivery", {"messageId": message_id, "state": "SENT"})
    assert sent["message"]["delivery"] == "SENT"
    assert await to_send(client, integrator, begin) == []


async def to_send(client: Client, integrator: Documents, after: str) -> list[dict[str, Any]]:
    """Return what is to go out, each once, as a channel's server finds it."""
    found = [each["interaction"] for each in await pull(client, integrator, "ToSend", after)]
    return list({each["id"]: each for each in found if each.get("delivery") == "ACCEPTED"}.values())


async def pull(client: Client, integrator: Documents, name: str, after: str, **more: object) -> list[dict[str, Any]]:
    """Return what happened behind a cursor."""
    await client.works.feed.settle()
    page = (await integrator.send(client, name, {"after": after, **more})).data["events"]
    assert not page["hasNextPage"]
    items: list[dict[str, Any]] = page["items"]
    return items
