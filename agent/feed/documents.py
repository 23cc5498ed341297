"""What is retained and no alarm: each topic has one document, and the newest replaces those before."""

from agent.feed.lanes import Message


class Documents:
    """Bounded by the number of topics; a document that did not change is not sent again but to a new connection."""

    def __init__(self) -> None:
        self._documents: dict[str, str] = {}
        self._due: dict[str, None] = {}
        self._sending: Message | None = None

    def tell(self, topic: str, document: str, again: bool = False) -> None:
        """`topic` is the whole of it, an empty document takes it away; `again` also says what was said before."""
        if again or self._documents.get(topic) != document:
            self._documents[topic] = document
            self._due[topic] = None

    def first(self) -> Message | None:
        topic = next(iter(self._due), None)
        self._sending = None if topic is None else Message(topic, self._documents[topic], retain=True)
        return self._sending

    def sent(self) -> None:
        sent = self._sending
        if sent is not None and self._documents[sent.topic] == sent.payload:
            self._due.pop(sent.topic, None)

    def reconnected(self) -> None:
        self._due = dict.fromkeys(self._documents)
