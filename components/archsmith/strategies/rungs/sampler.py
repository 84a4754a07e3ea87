"""Which strategy finds what a bracket begins with: a section in the section `strategy`, checked as strictly as that one."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, GetJsonSchemaHandler, ValidationError, model_serializer, model_validator
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError

from archsmith.errors import unknown
from archsmith.spec import Named
from archsmith.strategies.samplers import SAMPLERS
from archsmith.strategies.strategy import StrategyConfig


class Sampler(Named):
    """Another strategy, by its name, with its own settings beside it."""

    variants: ClassVar[Mapping[str, type[BaseModel]]] = SAMPLERS
    """The models of its settings, by name."""

    name: str = "random"
    """Any strategy that has no rungs itself."""

    @model_validator(mode="after")
    def _is_checked(self) -> Self:
        if self.name not in SAMPLERS:
            text = f"{unknown('sampler', self.name, SAMPLERS)} A strategy that has rungs itself can't be one."
            wrong: InitErrorDetails = {
                "type": PydanticCustomError("value_error", "{error}", {"error": text}), "loc": ("name",), "input": self.name,
            }  # fmt: skip
            raise ValidationError.from_exception_data("sampler", [wrong])
        try:
            inherits = self.config.inherits
        except ValidationError as error:
            # The name leads to the model whose keys are valid here, as that of a union's member does.
            raise ValidationError.from_exception_data(error.title, [_within(self.name, e) for e in error.errors()]) from error
        if inherits:
            raise ValueError(
                f"the sampler {self.name!r} inherits weights, but in a strategy with rungs each trial goes on with its own; "
                "set `inherit: false`"
            )
        return self

    @property
    def config(self) -> StrategyConfig:
        """The settings of the strategy that it names."""
        return SAMPLERS[self.name].model_validate(self.settings)

    @model_serializer
    def _with_defaults(self) -> dict[str, Any]:
        return {"name": self.name, **self.config.model_dump(mode="json")}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return the schema of any of the strategies, with its settings."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        return {**schema, "oneOf": [_variant(name, config) for name, config in SAMPLERS.items()]}


def _variant(name: str, config: type[BaseModel]) -> dict[str, Any]:
    schema = config.model_json_schema()
    required = [] if name == Sampler.model_fields["name"].default else ["name"]
    return {**schema, "properties": {"name": {"const": name}, **schema.get("properties", {})}, "required": required}


def _within(name: str, error: Any) -> InitErrorDetails:
    return {"type": error["type"], "loc": (name, *error["loc"]), "input": error["input"], "ctx": error.get("ctx", {})}
