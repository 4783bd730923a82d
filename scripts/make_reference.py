"""Turn what `geoseg describe --json` says (standard input) into docs/reference.md (standard output)."""

import json
import sys

HEAD = """# Reference

Every algorithm with its parameters and results. This page is made from the declarations in
`geoseg_plugin/contract/stages` by `make reference`; a test holds it equal to the Toolbox and to the command line.

- In the Toolbox, in models and in batch the algorithms stand under *GeoSeg*.
- With `qgis_process`: `qgis_process run geoseg:ID -- PARAMETER=value ...`
- On the command line, without QGIS: `ENGINE_PYTHON geoseg_plugin COMMAND --option value ...`
- As a job file: `ENGINE_PYTHON geoseg_plugin run job.json` with
  `{"stage": "ID", "parameters": {"input": "...", "output": "..."}}`, the parameters in lower case.

A value in *italics* is the default; a parameter without one must be given unless it is optional.
"""


def main() -> int:
    """Convert standard input to standard output."""
    sys.stdout.write(render(json.load(sys.stdin)))
    return 0


def render(stages: list) -> str:
    """Return the page for the stages that `describe` returns."""
    contents = "\n".join(f"- [{stage['title']}](#{stage['command']}) (`geoseg:{stage['id']}`)" for stage in stages)
    return "\n".join([HEAD, contents, "", *(render_stage(stage) for stage in stages)])


def render_stage(stage: dict) -> str:
    """Return the section of one stage."""
    parameters = [
        f"| `{field['parameter']}` | `{option(field)}` | {kind(field)} | {describe(field)} |"
        for field in stage["parameters"]
    ]
    results = [
        f"| `{field['parameter']}` | {field['kind']} | {field['label']}. {field['help']} |"
        for field in stage["results"]
    ]
    return "\n".join(
        [
            f'<a id="{stage["command"]}"></a>',
            "",
            f"## {stage['title']}",
            "",
            f"`geoseg:{stage['id']}` · `{stage['command']}` · group {stage['group']}",
            "",
            stage["help"],
            "",
            "| parameter | option | kind | meaning |",
            "|---|---|---|---|",
            *parameters,
            "",
            "| result | kind | meaning |",
            "|---|---|---|",
            *results,
            "",
            *(line for field in stage["parameters"] if field["notes"] for line in render_choices(field)),
        ]
    )


def render_choices(field: dict) -> list:
    """Return the lines on the choices of one parameter, of which something is to know."""
    noted = zip(field["choices"], field["notes"], strict=True)
    rows = [f"| `{choice}` | {note} |" for choice, note in noted]
    return [f"| {field['parameter']} | {field['label']} |", "|---|---|", *rows, ""]


def option(field: dict) -> str:
    """Return the option of the command line."""
    return "--" + field["name"].replace("_", "-")


def kind(field: dict) -> str:
    """Return the kind of a value in words, with its unit."""
    words = "files" if field["accepts"] == "file" else field["kind"].replace("_out", " to write")
    return f"{words}, {field['unit']}" if field["unit"] else words


def describe(field: dict) -> str:
    """Return label, help, limits, default and choices of a parameter."""
    facts = [f"{field['label']}. {field['help']}"]
    if field["notes"]:
        facts.append("One of the choices below.")
    elif field["choices"]:
        facts.append("One of " + ", ".join(f"`{choice}`" for choice in field["choices"]) + ".")
    if field["minimum"] is not None and field["maximum"] is not None:
        facts.append(f"{field['minimum']:.10g} to {field['maximum']:.10g}.")
    if field["default"] is not None:
        facts.append(f"*{json.dumps(field['default']).strip(chr(34))}*.")
    elif field["optional"]:
        facts.append("Optional.")
    if field["advanced"]:
        facts.append("Advanced.")
    return " ".join(facts)


if __name__ == "__main__":
    sys.exit(main())
