"""Questions on a plain terminal, one line each; Enter takes what stands in brackets.

No cursor keys and no colours: they work over ssh from a phone, too.
"""

from collections.abc import Callable, Sequence

from agent.domain.errors import AquaError

Objection = Callable[[str], str | None]
"""Why an answer will not do, or None."""


class Questions:
    """`ask` shows a prompt and returns what was typed; `say` shows a line. With nobody `present` every answer is the
    default.
    """

    def __init__(self, ask: Callable[[str], str], say: Callable[[str], None], present: bool = True) -> None:
        self._ask = ask
        self.say = say
        self.present = present

    def text(self, question: str, default: str, objection: Objection = lambda answer: None) -> str:
        """Asked until nothing is said against the answer. Raises AquaError when it is the default, with nobody present
        to give a better one.
        """
        prompt = f"{question} [{default}]: " if default else f"{question}: "
        while True:
            answer = (self._typed(prompt) or default).strip()
            if (because := objection(answer)) is None:
                return answer
            if not self.present:
                raise AquaError(f"{question}: {because}")
            self.say(f"  {because}")

    def yes(self, question: str, default: bool) -> bool:
        answer = self.text(f"{question} (y/n)", "y" if default else "n", _neither)
        return answer.lower().startswith("y")

    def one_of(self, question: str, options: Sequence[str], default: int = 0) -> int:
        """The index of the chosen one; answered by its number."""
        for number, option in enumerate(options, 1):
            self.say(f"  {number}  {option}")
        known = [str(number) for number in range(1, len(options) + 1)]
        wanted = f"type a number from 1 to {len(options)}"
        answer = self.text(question, str(default + 1), lambda answer: None if answer in known else wanted)
        return int(answer) - 1

    def _typed(self, prompt: str) -> str:
        if self.present:
            return self._ask(prompt)
        self.say(prompt)
        return ""


def _neither(answer: str) -> str | None:
    return None if answer.lower() in ("y", "yes", "n", "no") else "type y or n"
