"""The report as one HTML file: fonts, styles and pictures inline, no script, nothing fetched."""

from __future__ import annotations

import base64
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from lutetia.outputs.colours import Rgb, hexadecimal, text_on
from lutetia.outputs.report.blocks import Figure, Report


def _data_uri(figure: Figure) -> str:
    kind = "image/svg+xml" if figure.kind == "svg" else f"image/{figure.kind}"
    return f"data:{kind};base64,{base64.b64encode(figure.data).decode()}"


def _ink(colour: Rgb) -> str:
    return hexadecimal(text_on(colour))


@cache
def _fonts() -> Markup:
    rules = []
    for file, weight, style in (("Inter-Regular", 400, "normal"), ("Inter-SemiBold", 600, "normal")):
        data = (files("lutetia.outputs") / "fonts" / f"{file}.otf").read_bytes()
        source = f"url(data:font/otf;base64,{base64.b64encode(data).decode()})"
        rules.append(f"@font-face{{font-family:Inter;font-weight:{weight};font-style:{style};src:{source}}}")
    return Markup("".join(rules))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("lutetia.outputs.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["hex"] = hexadecimal
    environment.filters["ink"] = _ink
    environment.filters["data_uri"] = _data_uri
    # The SVG is ours: every text in it was escaped where it was made.
    environment.filters["inline_svg"] = lambda figure: Markup(figure.data.decode())
    return environment


def report_html(report: Report) -> bytes:
    """Render the report. Every text is escaped; a content policy inside the file forbids scripts and the network."""
    environment = _environment()
    css = Markup((files("lutetia.outputs.report") / "templates" / "report.css").read_text(encoding="utf-8"))
    text = environment.get_template("report.html.j2").render(report=report, css=css, fonts=_fonts())
    return text.encode()
