"""What every shape of the views is made from."""

from pydantic import BaseModel, ConfigDict


class View(BaseModel):
    model_config = ConfigDict(frozen=True)


class PersonRef(View):
    id: int
    name: str
