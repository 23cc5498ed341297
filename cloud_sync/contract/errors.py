"""What can go wrong between a body and its bytes, named after who has to act."""

from agent.domain.errors import AquaError


class BreaksContract(AquaError):
    """This record does not fit its topic's schema: set it aside, the next one may be fine."""


class RegistryUnavailable(AquaError):
    """The schema registry does not answer, or asks for patience: try later."""


class RegistryRefuses(AquaError):
    """The schema registry says no, and will again: a person has to act."""


class UnknownSchema(RegistryRefuses):
    """The schema registry has no such subject, version or schema."""
