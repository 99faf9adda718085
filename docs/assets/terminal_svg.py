#!/usr/bin/env python3
"""Draws what a terminal showed as an SVG that follows the reader's light or dark scheme.

Reads text with colour sequences, as `tmux capture-pane -p -e` writes it, from standard input and
writes the SVG to standard output. Standard library only. How the recording in the README is made:

    tmux new-session -d -s demo -x 100 -y 50 'cargo run --release -- demo; sleep 600'
    tmux capture-pane -p -e -S - -t demo > demo.ansi        # once it has ended
    python3 docs/assets/terminal_svg.py --from 'What the users met' --to 'Five versions' \\
        'cargo run --release -- demo' < demo.ansi > docs/assets/demo.svg

`--from TEXT` begins with the line that holds TEXT, `--to TEXT` ends with the last that does.
"""

import argparse
import html
import re
import sys
import unicodedata

CELL, LINE, PAD, BAR = 8.0, 18, 20, 36
# By number of the terminal's colour: a class each, so that a scheme is eight lines of CSS.
NAMES = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"]
LIGHT = ["#24292f", "#b3261e", "#116329", "#7d4e00", "#0550ae", "#8250df", "#1b6c79", "#57606a"]
DARK = ["#484f58", "#ff7b72", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#76e3ea", "#b1bac4"]
SEQUENCE = re.compile(r"\x1b\[([0-9;]*)m|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.|\x0f|\x0e")


def apply(style, codes):
    """The style after a colour sequence. A style is (colour class or None, bold, dim)."""
    colour, bold, dim = style
    numbers = [int(code or 0) for code in codes.split(";")] if codes else [0]
    for number in numbers:
        if number == 0:
            colour, bold, dim = None, False, False
        elif number == 1:
            bold = True
        elif number == 2:
            dim = True
        elif number == 22:
            bold = dim = False
        elif number == 39:
            colour = None
        elif 30 <= number <= 37:
            colour = NAMES[number - 30]
        elif number == 90:
            colour, dim = None, True
        elif 91 <= number <= 97:
            colour = NAMES[number - 90]
    return colour, bold, dim


def runs(line, style):
    """Pieces of one style each: (column, text, style), and the style at the line's end."""
    pieces, column, at = [], 0, 0
    for found in list(SEQUENCE.finditer(line)) + [None]:
        text = line[at : found.start()] if found else line[at:]
        if text:
            pieces.append((column, text, style))
            column += sum(width(char) for char in text)
        if found:
            at = found.end()
            if found.group(1) is not None:
                style = apply(style, found.group(1))
    return pieces, style


def width(char):
    """Columns that a character takes."""
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def plain(line):
    return SEQUENCE.sub("", line).rstrip()


def chosen(lines, first, last):
    """The lines that are shown, without empty ones at both ends."""
    begin = next((i for i, line in enumerate(lines) if first in plain(line)), 0) if first else 0
    ends = [i for i, line in enumerate(lines) if last in plain(line)] if last else []
    end = ends[-1] + 1 if ends else len(lines)
    while begin < end and not plain(lines[begin]):
        begin += 1
    while end > begin and not plain(lines[end - 1]):
        end -= 1
    return begin, end


def text_element(row, piece):
    column, text, (colour, bold, dim) = piece
    stripped = text.strip(" ")
    if not stripped:
        return ""
    column += len(text) - len(text.lstrip(" "))
    classes = " ".join(filter(None, [colour, "bold" if bold else "", "dim" if dim else ""]))
    attribute = f' class="{classes}"' if classes else ""
    x, y = PAD + column * CELL, BAR + PAD + row * LINE
    # The length is given, so that columns stay aligned whatever font the reader has.
    length = sum(width(char) for char in stripped) * CELL
    return (
        f'<text x="{x:g}" y="{y:g}" textLength="{length:g}" lengthAdjust="spacingAndGlyphs"'
        f"{attribute}>{html.escape(stripped)}</text>"
    )


def scheme(ground, edge, bar, ink, colours):
    rules = [f".ground{{fill:{ground};stroke:{edge}}}.bar{{fill:{bar}}}text{{fill:{ink}}}"]
    rules += [f".{name}{{fill:{colour}}}" for name, colour in zip(NAMES, colours)]
    return "".join(rules)


def draw(lines, begin, end, title):
    style, rows = (None, False, False), []
    for number, line in enumerate(lines[:end]):
        pieces, style = runs(line, style)
        if number >= begin:
            rows.append(pieces)
    columns = max(sum(width(char) for char in plain(line)) for line in lines[begin:end])
    total_width = 2 * PAD + columns * CELL
    total_height = BAR + 2 * PAD + (len(rows) - 1) * LINE
    light = scheme("#ffffff", "#d0d7de", "#f6f8fa", "#24292f", LIGHT)
    dark = scheme("#0d1117", "#30363d", "#161b22", "#e6edf3", DARK)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total_width:g} {total_height:g}" '
        f'width="{total_width:g}" height="{total_height:g}" role="img" aria-label="{html.escape(title)}">',
        "<style>text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;"
        "white-space:pre}.bold{font-weight:700}.dim{opacity:.68}.title{opacity:.7}"
        f"{light}@media(prefers-color-scheme:dark){{{dark}}}</style>",
        f'<rect class="ground" x=".5" y=".5" width="{total_width - 1:g}" height="{total_height - 1:g}" rx="8"/>',
        f'<path class="bar" d="M1 {BAR}V8.5A7.5 7.5 0 0 1 8.5 1H{total_width - 8.5:g}'
        f'A7.5 7.5 0 0 1 {total_width - 1:g} 8.5V{BAR}Z"/>',
        f'<text class="title" x="{total_width / 2:g}" y="{BAR / 2 + 5:g}" text-anchor="middle">'
        f"{html.escape(title)}</text>",
    ]
    for row, pieces in enumerate(rows):
        out += filter(None, (text_element(row, piece) for piece in pieces))
    return "\n".join(out + ["</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("title")
    parser.add_argument("--from", dest="first")
    parser.add_argument("--to", dest="last")
    arguments = parser.parse_args()
    lines = sys.stdin.read().split("\n")
    begin, end = chosen(lines, arguments.first, arguments.last)
    if begin == end:
        sys.exit("nothing to draw")
    sys.stdout.write(draw(lines, begin, end, arguments.title))


if __name__ == "__main__":
    main()
