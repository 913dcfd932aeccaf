"""Parameters of TypeScript notebooks for papermill: values become `let NAME = VALUE;`, which a cell may declare again."""
import json
import math
import re

from papermill.engines import NBClientEngine
from papermill.models import Parameter
from papermill.translators import Translator, papermill_translators

SAFE_INTEGER_MAX = 2**53 - 1
DECLARATION = re.compile(
    r"^\s*(?:export\s+)?(?:let|const|var)\s+(?P<name>[\w$]+)"
    r"\s*(?::\s*(?P<type>[^=]+?))?\s*=\s*(?P<value>.+?)\s*;?\s*(?://\s*(?P<help>.*))?$"
)


class TypeScriptTranslator(Translator):
    @classmethod
    def translate_none(cls, val):
        return "null"

    @classmethod
    def translate_bool(cls, val):
        return "true" if val else "false"

    @classmethod
    def translate_int(cls, val):
        return str(val) if abs(val) <= SAFE_INTEGER_MAX else f"{val}n"

    @classmethod
    def translate_float(cls, val):
        if math.isfinite(val):
            return repr(val)
        return "NaN" if math.isnan(val) else "Infinity" if val > 0 else "-Infinity"

    @classmethod
    def translate_str(cls, val):
        return json.dumps(str(val))

    @classmethod
    def translate_dict(cls, val):
        fields = (f"{cls.translate_str(key)}: {cls.translate(value)}" for key, value in val.items())
        return "{ " + ", ".join(fields) + " }" if val else "{}"

    @classmethod
    def translate_list(cls, val):
        return "[" + ", ".join(cls.translate(value) for value in val) + "]"

    @classmethod
    def comment(cls, cmt_str):
        return f"// {cmt_str}"

    @classmethod
    def assign(cls, name, str_val):
        return f"let {name} = {str_val};"

    @classmethod
    def inspect(cls, parameters_cell):
        found = map(DECLARATION.match, parameters_cell["source"].splitlines())
        return [
            Parameter(match["name"], (match["type"] or "None").strip(), match["value"], match["help"] or "")
            for match in found
            if match
        ]


class TypeScriptEngine(NBClientEngine):
    """The usual engine. It is here because papermill loads it, and with it what is registered below."""


# By the kernel's name first, then by its language.
for key in ("tidetable", "typescript"):
    papermill_translators.register(key, TypeScriptTranslator)
