"""What every shape of the views is made from."""

from pydantic import BaseModel, ConfigDict, Field

from shared.models import FactKind, FactPart


class View(BaseModel):
    model_config = ConfigDict(frozen=True)


class PersonRef(View):
    id: int
    name: str


class FactView(View):
    """Something that a message states, and where in its text."""

    kind: FactKind
    value: str = Field(
        description="E.164 or seven digits (`phone`), dollars such as `412.77` (`amount`), a day such as `2026-12-04` "
        "(`date`), the words (`address`, `name`); `account` and `agreement` with their last digits only."
    )
    hidden: bool = Field(description="Whether digits are hidden.")
    part: FactPart = Field(description="The text in which `start` and `end` count: of a mail also its `signature`.")
    start: int = Field(description="First character in the text.")
    end: int = Field(description="The character behind the last one.")
    confidence: float = Field(description="From 0 to 1, by the form in which it was said; no probability.")
    anchor: str = Field(description="Its place on the ticket's page.")
